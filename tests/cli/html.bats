#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The page from the outside: export -f html, and what a browser makes of it.
load ../helper
bats_require_minimum_version 1.5.0

GENERATOR=$ROOT/${B:-build}/tests/unit/test_export_html

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
}

make_page() # name and kind of recording
{
	"$GENERATOR" --record "$1.concprof" "$2"
	"$CONCPROF" export -f html -o "$1.html" "$1.concprof"
	"$CONCPROF" export -f json -o "$1.json" "$1.concprof"
}

@test "html: whole under its name, or not there; the ending may stand for the format" {
	"$GENERATOR" --record r.concprof server:3000
	run "$CONCPROF" export -o r.html r.concprof
	expect 0
	[ "$(head -c 15 r.html)" = '<!DOCTYPE html>' ]
	[ "$(tail -n 1 r.html)" = '</html>' ]
	cmp r.html <("$CONCPROF" export -f html r.concprof)
	run "$CONCPROF" export -f html -o no/such/x.html r.concprof
	expect 1 no/such/x.html
	run sh -c '"$1" export -f html r.concprof >/dev/full' sh "$CONCPROF"
	expect 1 "No space left"
	echo precious >kept.html
	head -c 5000 r.concprof >cut
	run "$CONCPROF" export -o kept.html cut
	expect 1 cut
	[ "$(cat kept.html)" = precious ]
}

@test "html: of two runs both are in it, --run takes one alone" {
	make_page two two
	grep -q 'id="run-1"' two.html
	grep -q 'id="difference"' two.html
	"$CONCPROF" export -f html --run 1 -o one.html two.concprof
	grep -q 'id="run-0"' one.html
	run ! grep -q 'id="run-1"' one.html
	run ! grep -q 'id="difference"' one.html
}

@test "html: compare --html writes a page of both; where their names are the same it says which is which" {
	"$GENERATOR" --record before.concprof server:3000
	"$GENERATOR" --record after.concprof server:9000
	run "$CONCPROF" compare --html both.html before.concprof after.concprof
	expect 0
	grep -q 'id="difference-table"' both.html
	grep -q '"runs":\["orders (before)","orders (after)"\]' both.html
	grep -q 'id="lanes-0"' both.html
	grep -q 'id="lanes-1"' both.html
	run "$CONCPROF" compare --html no/such.html before.concprof after.concprof
	expect 1 no/such.html
}

@test "html: a part of a run says so, and its time goes on where the part begins" {
	"$GENERATOR" --record r.concprof server:9000
	"$CONCPROF" export -f html --from 20ms --to 30ms -o part.html r.concprof
	grep -q 'Only a part of orders: from 20.0 ms to 30.0 ms' part.html
	grep -q '"wall_ns":10000000,"cut_ns":20000000' part.html
}

@test "html: its elements close as they should, also when names are hostile" {
	local kind
	for kind in server:3000 hostile plain two; do
		make_page page "$kind"
		/usr/bin/python3 - <<-'EOF'
			import html.parser
			VOID = {"meta", "br"}
			class Parser(html.parser.HTMLParser):
			    def __init__(self):
			        super().__init__()
			        self.open = []
			    def handle_starttag(self, tag, attributes):
			        if tag not in VOID:
			            self.open.append(tag)
			        assert all(not name.startswith("on") and name != "style" for name, _ in attributes), attributes
			    def handle_startendtag(self, tag, attributes):
			        pass
			    def handle_endtag(self, tag):
			        last = self.open.pop()
			        assert last == tag, f"{tag} ends {last} at {self.getpos()}"
			parser = Parser()
			parser.feed(open("page.html", encoding="utf-8").read())
			OPTIONAL = {"html"}
			assert not set(parser.open) - OPTIONAL, parser.open
		EOF
	done
}

@test "html: a command's lanes are those of its recording" {
	needs_root
	run "$CONCPROF" run -o r.concprof -- sh -c 'sleep 0.1 & head -c 300000 /dev/urandom | gzip | wc -c; wait'
	expect 0
	"$CONCPROF" export -o r.html r.concprof
	grep -q 'id="lanes-0"' r.html
	/usr/bin/python3 - <<-'EOF'
		import base64, re, sqlite3
		page = open("r.html", encoding="utf-8").read()
		data = iter(base64.b64decode(re.search(r'id="lanes-0">([^<]*)<', page).group(1)))
		def number():
		    value = shift = 0
		    for byte in data:
		        value |= (byte & 127) << shift
		        shift += 7
		        if byte < 128:
		            return value
		database = sqlite3.connect("r.concprof")
		for thread, life in database.execute("SELECT id, life_ns FROM thread ORDER BY seq").fetchall():
		    begin, intervals, samples = number(), number(), number()
		    lengths = []
		    for _ in range(intervals):
		        lengths.append(number())
		        number()
		    for _ in range(2 * samples):
		        number()
		    wanted = database.execute("SELECT begin_ns, end_ns - begin_ns FROM intervals WHERE thread = ? ORDER BY begin_ns", (thread,)).fetchall()
		    assert lengths == [ns for _, ns in wanted], (thread, len(lengths), len(wanted))
		    assert not wanted or begin == wanted[0][0]
		    assert sum(lengths) == life
		assert next(data, None) is None
	EOF
}

@test "html: in a browser: zoom, selection, search, sorting, keyboard, colours, print; sums are the recording's to the nanosecond" {
	command -v chromium chromium-browser google-chrome >/dev/null || skip "there is no Chromium to show it (apt-get install chromium)"
	make_page server server:20000
	make_page two two
	make_page plain plain
	make_page hostile hostile
	make_page empty empty
	/usr/bin/python3 "$ROOT/tests/cli/html_drive.py" "$PWD"
}
