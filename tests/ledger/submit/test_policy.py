"""Policies: the longest key wins, and a key that can cover nothing is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.submit.errors import UnacceptableError
from ledger.submit.policy import Visibility, check_policy, visibility


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("@names", "open"),
        ("file.name", "open"),
        ("file.sha256", "open"),
        ("submitter.name", "open"),
        ("submitter.address", "on-demand"),
        ("submitter.name.latin", "on-demand"),
        ("declared.author", "on-demand"),
        ("declared.file.name", "on-demand"),
        ("requisite.address", "on-demand"),
        ("extracted.author", "on-demand"),
        ("system.policy", "on-demand"),
        ("files.name", "on-demand"),
    ],
)
def test_without_a_policy_the_design_decides(name: str, expected: Visibility) -> None:
    assert visibility(name, {}) == expected


POLICY: dict[str, Visibility] = {
    "extracted": "sealed",
    "extracted.gps.*": "open",
    "extracted.gps.altitude": "on-demand",
    "declared.chat.*": "sealed",
    "declared.chat.title": "open",
    "requisite.*": "open",
    "file.name": "sealed",
    "submitter.*": "sealed",
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("extracted.author", "sealed"),
        ("extracted.gps", "sealed"),
        ("extracted.gps.latitude", "open"),
        ("extracted.gps.raw.latitude", "open"),
        ("extracted.gps.altitude", "on-demand"),
        ("extracted.gps.altitude.unit", "open"),
        ("extracted.gpsx", "sealed"),
        ("declared.chat", "on-demand"),
        ("declared.chat.text", "sealed"),
        ("declared.chat.title", "open"),
        ("declared.chatter", "on-demand"),
        ("declared.extracted.author", "on-demand"),
        ("requisite.address", "open"),
        ("file.name", "sealed"),
        ("file.size", "open"),
        ("submitter.name", "sealed"),
        ("@names", "open"),
    ],
)
def test_the_longest_key_wins(name: str, expected: Visibility) -> None:
    assert visibility(name, POLICY) == expected


def test_of_two_spellings_of_a_namespace_the_longer_wins() -> None:
    assert visibility("extracted.a", {"extracted": "open", "extracted.*": "sealed"}) == "sealed"


def test_a_sound_policy_is_kept_as_it_is() -> None:
    assert check_policy(POLICY, where="statement.policy") == POLICY
    assert check_policy({}, where="statement.policy") == {}


@pytest.mark.parametrize(
    "key",
    [
        "",
        "*",
        ".*",
        "declard.author",
        "@names",
        "author",
        "declared.",
        "declared.*.*",
        "declared.*.a",
        "declared.a*",
        "Declared.author",
        "declared. author",
        "file",
        "declared." + "a" * 120,
        "../declared",
    ],
)
def test_a_key_that_can_cover_nothing_is_refused(key: str) -> None:
    with pytest.raises(UnacceptableError) as caught:
        check_policy({"declared.author": "open", key: "open"}, where="statement.policy")
    assert caught.value.where == f"statement.policy.{key}"


@pytest.mark.parametrize("value", ["", "Open", "closed", "on_demand", None, True, 1, ["open"], {"open": 1}])
def test_a_visibility_is_one_of_three_words(value: object) -> None:
    with pytest.raises(UnacceptableError, match="open, on-demand, sealed"):
        check_policy({"declared.author": value}, where="statement.policy")  # type: ignore[dict-item]


PARTS = st.sampled_from(["a", "b", "ab"])
NAMES = st.lists(PARTS, min_size=1, max_size=3).map(lambda parts: ".".join(["declared", *parts]))
KEYS = NAMES | NAMES.map(lambda name: name + ".*") | st.sampled_from(["declared", "declared.*"])


@given(NAMES, st.dictionaries(KEYS, st.sampled_from(["open", "on-demand", "sealed"]), max_size=8))
def test_visibility_agrees_with_trying_every_key(name: str, policy: dict[str, Visibility]) -> None:
    def covers(key: str) -> bool:
        return key == name or key == "declared" or (key.endswith(".*") and name.startswith(key[:-1]))

    keys = sorted((key for key in policy if covers(key)), key=len)
    expected = policy[keys[-1]] if keys else "on-demand"
    if name in policy:
        expected = policy[name]
    assert visibility(name, policy) == expected
