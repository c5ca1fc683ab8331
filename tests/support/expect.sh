# What tests of commands share, for `source`: a folder of their own to work in, and expectations that are counted.
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
checked=0
failed=0

# expect STATUS PATTERN COMMAND...: exit status, and a pattern that stdout and stderr together must match.
expect() {
  local status=$1 pattern=$2 out code
  shift 2
  out="$("$@" 2>&1)"
  code=$?
  checked=$((checked + 1))
  if [ "$code" -ne "$status" ] || ! grep -qE -- "$pattern" <<<"$out"; then
    printf 'FAILED: %s\n  exit %s, expected %s; expected /%s/ in:\n%s\n' "$*" "$code" "$status" "$pattern" "$out"
    failed=$((failed + 1))
  fi
}
