#!/usr/bin/env bash
# Tries a commit of this project on a bare machine: a Debian tree with Python, venv, make and certificates, no compiler, no
# git, no openssl, and an account without rights. Needs root and debootstrap; not part of `make test`.
#
#   tests/bare_machine.sh                        make test, as the unprivileged account
#   tests/bare_machine.sh make help dist         other targets, in turn
#   tests/bare_machine.sh sh -c 'make demo && ls -l'       any command, in the checkout
#   AS=root tests/bare_machine.sh .ci/run        what CI runs, as CI runs it
#
# TREE     the tree (default: bare, below TMPDIR); made when absent, then reused
# CHECKOUT the repository whose HEAD is tried (default: this one)
# KEEP=1   go on with the checkout of the last call and its .venv, instead of a fresh one
# AS       tester (default) or root
set -euo pipefail
tree=${TREE:-${TMPDIR:-/tmp}/bare}
checkout=${CHECKOUT:-$(cd "$(dirname "$0")/.." && pwd)}
account=${AS:-tester}
home=/srv/tester
[ "$account" != root ] || home=/root
suite=bookworm
[ $# -gt 0 ] || set -- make test

if [ ! -x "$tree/usr/bin/make" ]; then
  debootstrap --variant=minbase --include=python3,python3-venv,make,ca-certificates "$suite" "$tree"
fi
# The machine's own way out: names, and the certificates it trusts.
cp -L /etc/resolv.conf "$tree/etc/resolv.conf"
cp -L /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/ca-certificates.crt"
chroot "$tree" id tester >/dev/null 2>&1 || chroot "$tree" useradd --create-home --home-dir /srv/tester tester

place=/srv/tester/checkout
if [ -z "${KEEP:-}" ] || [ ! -d "$tree$place" ]; then
  rm -rf "${tree:?}$place"
  mkdir -p "$tree$place"
  git -C "$checkout" archive HEAD | tar -x -C "$tree$place"
fi
chroot "$tree" chown -R "$account:$account" "$place"

# Namespaces of its own: mounts vanish with the command, and so does every process it started.
exec unshare --mount --pid --fork --kill-child sh -euc '
  tree=$1 account=$2 home=$3 place=$4
  shift 4
  mount -t proc proc "$tree/proc"
  mount -t tmpfs -o mode=1777 tmpfs "$tree/dev/shm"
  exec chroot --userspec="$account:$account" --groups= "$tree" /usr/bin/env -i HOME="$home" LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    sh -c "cd \"\$0\" && exec \"\$@\"" "$place" "$@"
' bare_machine "$tree" "$account" "$home" "$place" "$@" </dev/null
