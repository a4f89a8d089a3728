#!/bin/sh
# fingerprint.sh - writes the hash of the compiler's own sources as C (compiler/fingerprint.h)
# Usage: fingerprint.sh FILE…
set -eu
echo '/* Made by compiler/fingerprint.sh. */'
echo '#include "compiler/fingerprint.h"'
printf 'const char compiler_fingerprint[] = "%s";\n' "$(cat "$@" | sha256sum | cut -d' ' -f1)"
