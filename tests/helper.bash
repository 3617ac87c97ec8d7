# SPDX-License-Identifier: Apache-2.0
# What the bats files share. CONCPROF and B come from tests/run; the defaults serve a file that is run alone.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CONCPROF=${CONCPROF:-$ROOT/concprof}
PROGRAMS=$ROOT/${B:-build}/tests/truth/programs

needs_root()
{
	[ "$(id -u)" = 0 ] || skip "needs root"
}

# A folder outside the tree that everybody may reach, removed by the file's teardown_file: the tree may lie where they may not.
public_folder()
{
	mktemp -d /tmp/concprof-test.XXXXXX
}

# As somebody without privileges, without a terminal, and without sudo's traces in the environment.
as_nobody()
{
	env -u SUDO_USER -u SUDO_UID -u SUDO_GID -u SUDO_COMMAND HOME=/nonexistent TMPDIR=/tmp setpriv --reuid=65534 --regid=65534 \
		--clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs "$@" </dev/null
}

# status of the last `run` and part of its output
expect()
{
	local wanted=$1 part
	shift
	if [ "$status" != "$wanted" ]; then
		echo "exit status $status, should be $wanted; output: $output"
		return 1
	fi
	for part in "$@"; do
		if [[ "$output" != *"$part"* ]]; then
			echo "the output does not contain '$part': $output"
			return 1
		fi
	done
}
