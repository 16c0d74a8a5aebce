"""The fixed words of the text report in its three languages; what the steps say of an input stays English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """One language. Sentences in braces are filled in by str.format with text that report.py has made printable."""

    verified_proven: str
    verified_claimed: str
    verified_case_proven: str
    verified_case_claimed: str
    not_verified: str
    incomplete: str
    not_before: str
    not_after: str
    says: str
    outcomes: Mapping[str, str]
    steps: tuple[str, ...]
    subject: str
    trust: str
    open: str
    absent: str
    closed: str
    entry: str
    contradictions: str
    not_proven_heading: str
    not_proven: tuple[str, ...]


ENGLISH = Words(
    verified_proven="VERIFIED: unchanged since it was recorded{bounds}; the operator's record says {claimed}.",
    verified_claimed="VERIFIED: unchanged since the operator's record, which says {claimed}.",
    verified_case_proven="VERIFIED: the case's entries are unchanged since they were recorded.",
    verified_case_claimed="VERIFIED: unchanged since the operator's record, which says the times below.",
    not_verified="NOT VERIFIED: at least one check failed.",
    incomplete="INCOMPLETE: no check failed, but not all that is required could be checked.",
    not_before="not before {time}",
    not_after="not after {time}",
    says="the operator's record says {time}",
    outcomes={"PASSED": "passed", "FAILED": "FAILED", "NOT_CHECKED": "not checked"},
    steps=(
        "container",
        "leaves",
        "evidence file",
        "commitments",
        "inclusion",
        "log signatures",
        "witnesses",
        "time",
        "chain",
        "submitter's signature",
        "log as it stands now",
    ),
    subject="Subject",
    trust="Trust",
    open="Open",
    absent="Open and empty",
    closed="Committed, not open",
    entry="Entry {index} ({kind}, seq {seq})",
    contradictions="Contradictions (they change no outcome)",
    not_proven_heading="Nothing here proves",
    not_proven=(
        "that the content is true;",
        "who wrote it;",
        "that it was lawfully obtained;",
        "that no other versions were anchored elsewhere.",
    ),
)

RUSSIAN = Words(
    verified_proven="ПОДТВЕРЖДЕНО: не изменялось с момента записи{bounds}; запись оператора сообщает {claimed}.",
    verified_claimed="ПОДТВЕРЖДЕНО: не изменялось с момента записи оператора, которая сообщает {claimed}.",
    verified_case_proven="ПОДТВЕРЖДЕНО: записи дела не изменялись с момента внесения.",
    verified_case_claimed="ПОДТВЕРЖДЕНО: не изменялось с момента записи оператора, которая сообщает время ниже.",
    not_verified="НЕ ПОДТВЕРЖДЕНО: по меньшей мере одна проверка не пройдена.",
    incomplete="ПРОВЕРЕНО НЕ ПОЛНОСТЬЮ: ни одна проверка не провалена, но проверить удалось не всё, что требуется.",
    not_before="не ранее {time}",
    not_after="не позднее {time}",
    says="запись оператора сообщает {time}",
    outcomes={"PASSED": "пройдено", "FAILED": "НЕ ПРОЙДЕНО", "NOT_CHECKED": "не проверялось"},
    steps=(
        "контейнер",
        "листья",
        "файл доказательства",
        "фиксация полей",
        "включение в журнал",
        "подписи журнала",
        "наблюдатели журнала",
        "метки времени",
        "цепочка записей",
        "подпись подателя",
        "журнал в его нынешнем виде",
    ),
    subject="Предмет",
    trust="Доверие",
    open="Открыто",
    absent="Открыто и пусто",
    closed="Зафиксировано, не открыто",
    entry="Запись {index} ({kind}, seq {seq})",
    contradictions="Противоречия (на исход не влияют)",
    not_proven_heading="Ничто здесь не доказывает",
    not_proven=(
        "что содержание истинно;",
        "кто его автор;",
        "что оно получено законно;",
        "что другие версии не были зафиксированы в другом месте.",
    ),
)

KAZAKH = Words(
    verified_proven="РАСТАЛДЫ: жазылған сәттен бері өзгермеген{bounds}; оператордың жазбасы {claimed} дейді.",
    verified_claimed="РАСТАЛДЫ: оператордың жазбасынан бері өзгермеген, ол жазба {claimed} дейді.",
    verified_case_proven="РАСТАЛДЫ: істің жазбалары енгізілген сәттен бері өзгермеген.",
    verified_case_claimed="РАСТАЛДЫ: оператордың жазбасынан бері өзгермеген, ол жазба төмендегі уақытты айтады.",
    not_verified="РАСТАЛМАДЫ: кемінде бір тексеру сәтсіз аяқталды.",
    incomplete="ТОЛЫҚ ТЕКСЕРІЛМЕДІ: бірде-бір тексеру сәтсіз болған жоқ, бірақ талап етілгеннің бәрі тексерілмеді.",
    not_before="{time} уақытынан ерте емес",
    not_after="{time} уақытынан кеш емес",
    says="оператордың жазбасы {time} дейді",
    outcomes={"PASSED": "өтті", "FAILED": "ӨТПЕДІ", "NOT_CHECKED": "тексерілмеді"},
    steps=(
        "контейнер",
        "жапырақтар",
        "дәлелдеме файлы",
        "өрістердің тіркелуі",
        "журналға енгізілуі",
        "журналдың қолтаңбалары",
        "журнал бақылаушылары",
        "уақыт белгілері",
        "жазбалар тізбегі",
        "ұсынушының қолтаңбасы",
        "журналдың қазіргі күйі",
    ),
    subject="Нысан",
    trust="Сенім",
    open="Ашық",
    absent="Ашық және бос",
    closed="Журналға тіркелген, ашылмаған",
    entry="{index}-жазба ({kind}, seq {seq})",
    contradictions="Қайшылықтар (нәтижені өзгертпейді)",
    not_proven_heading="Мұнда ештеңе мыналарды дәлелдемейді",
    not_proven=(
        "мазмұнның шындыққа сай екенін;",
        "оны кім жазғанын;",
        "оның заңды жолмен алынғанын;",
        "басқа нұсқалардың басқа жерде бекітілмегенін.",
    ),
)

WORDS = {"en": ENGLISH, "kk": KAZAKH, "ru": RUSSIAN}
