package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// unsignedTables are the tables whose rows have no checksum.
var unsignedTables = []string{"goose_db_version", "marks", "set_aside"}

// filled returns the path of a closed journal with rows in all tables.
func filled(t *testing.T) string {
	t.Helper()
	path := newPath(t)
	j := open(t, path)
	twoOfEach(t, j)
	over := call("over") // its end is a row of usage
	over.End = at(2)
	commit(t, j, journal.PutLoginLimit{Limit: journal.LoginLimit{Kind: "name", Key: "k", First: at(1)}},
		journal.PutLoginName{Name: journal.LoginName{Key: "n", Seen: at(1)}}, journal.Spool{Record: spooled("damaged")},
		journal.PutLockdown{Lockdown: journal.Lockdown{Active: true, Reason: "fraud", Who: "uid 0", Since: at(1)}},
		journal.PutAccessWindow{Window: journal.AccessWindow{Group: "vendor", OpenedBy: "uid 0", Requested: at(1)}},
		journal.PutLineRecord{Record: journal.LineRecord{TTY: 65, Since: at(1), Counts: `{"dials":1}`}},
		journal.PutDialed{Dialed: journal.Dialed{Entry: "e", User: "u", Number: "84001"}},
		journal.PutTriggered{Triggered: journal.Triggered{User: "u", Signed: time.Unix(1796002748, 0)}},
		journal.PutOwed{Owed: journal.Owed{ID: "cb1", Kind: "attempt", Epoch: 1, Body: "{}", Created: at(1)}},
		journal.PutCall{Call: over},
		journal.Reserve{Callback: "cb1", Charges: []journal.Charge{{Scope: "user", Key: "u"}},
			Amount: journal.Amount{Calls: 1}, Time: at(1)})
	sum := totals{}
	sum.of(at(1), "outgoing", "u", "e", "84001").Calls = 1
	commit(t, j, written{totals: sum})
	edit(t, path, "UPDATE spool SET body = 'x' WHERE id = 'damaged'")
	commit(t, j, journal.SetAside{Time: at(2)})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// written writes sums.
type written struct {
	journal.Mutation
	totals
}

func (m written) apply(w *writer) error { return m.write(w) }

// tablesOf returns the rows of all tables in the schema of a journal, without SQLite's own.
func tablesOf(t *testing.T, path string) map[string][]string {
	t.Helper()
	tables := map[string][]string{}
	for _, name := range texts(t, path,
		"SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'") {
		var values []string
		for _, c := range texts(t, path, "SELECT name FROM pragma_table_info('"+name+"') ORDER BY cid") {
			values = append(values, "quote("+c+")")
		}
		tables[name] = texts(t, path, "SELECT "+strings.Join(values, " || ', ' || ")+" FROM "+name+" ORDER BY 1")
	}
	return tables
}

// texts returns the values of a query's one column.
func texts(t *testing.T, path, query string) (out []string) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(path, "mode", "ro"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestNoTableIsForgotten: each table of the schema is signed and verified, or is one of unsignedTables, and a rebuild
// copies all its rows.
func TestNoTableIsForgotten(t *testing.T) {
	path := filled(t)
	before := tablesOf(t, path)
	var signed []string
	for _, table := range signedTables {
		signed = append(signed, table.name)
		columns := texts(t, path, "SELECT name FROM pragma_table_info('"+table.name+"') ORDER BY cid")
		got := strings.Fields(strings.ReplaceAll(table.columns(), ",", " "))
		if table == auditTable {
			got = append(got, "digest") // of the chain without a key
		}
		if !sameSet(got, columns) {
			t.Errorf("%s has the columns %v, the code signs %v", table.name, columns, got)
		}
	}
	for name, rows := range before {
		if slices.Contains(signed, name) == slices.Contains(unsignedTables, name) {
			t.Errorf("%s is neither in signedTables nor in unsignedTables, or in both", name)
		}
		if len(rows) == 0 {
			t.Errorf("%s: filled makes no row of it", name)
		}
	}
	if len(before) != len(signed)+len(unsignedTables) {
		t.Errorf("%d tables, %d of them signed and %d not", len(before), len(signed), len(unsignedTables))
	}

	if _, err := rebuild(path, "a test"); err != nil {
		t.Fatal(err)
	}
	after := tablesOf(t, path)
	for name, rows := range before {
		if name != "goose_db_version" && !reflect.DeepEqual(rows, after[name]) { // it has the times of the migrations
			t.Errorf("%s before and after the rebuilding:\n%s\n\n%s", name, strings.Join(rows, "\n"),
				strings.Join(after[name], "\n"))
		}
	}
	if bad, _ := verified(t, path); len(bad) > 0 {
		t.Errorf("after the rebuilding: %v", bad)
	}

	for _, table := range signedTables {
		path := filled(t)
		edit(t, path, fmt.Sprintf("UPDATE %s SET %s = zeroblob(32)", table.name,
			strings.Fields(table.columns())[len(table.cols)]))
		bad, _ := verified(t, path)
		if !slices.ContainsFunc(bad, func(d journal.Damage) bool { return d.Table == table.name }) {
			t.Errorf("Verify passes over %s: %v", table.name, bad)
		}
	}
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// spoil overwrites the page of a closed journal that contains text, and no other.
func spoil(t *testing.T, path, text string) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	at := bytes.Index(file, []byte(text))
	if at < 0 {
		t.Fatalf("%q is not in %s", text, path)
	}
	copy(file[at/page*page:], bytes.Repeat([]byte("spoiled!"), page/8))
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestRebuildingSignsNothing: a forged row is still not a valid row after a rebuild; without the journal's key nothing
// is rebuilt or changed.
func TestRebuildingSignsNothing(t *testing.T) {
	ctx := context.Background()
	const names = 600
	name := func(n int) string { return fmt.Sprintf("the name %04d", n) }
	damaged := func(t *testing.T, statements ...string) string {
		path := newPath(t)
		j := open(t, path)
		commit(t, j, journal.PutCallback{Callback: callback("cb1", "austin-01")},
			journal.PutCallback{Callback: callback("cb2", "austin-02")})
		var more []journal.Mutation
		for n := range names {
			more = append(more, journal.PutLoginName{Name: journal.LoginName{Key: name(n), Seen: at(1)}})
		}
		commit(t, j, more...)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		edit(t, path, statements...)
		spoil(t, path, name(names/2))
		return path
	}
	forged := callback("cb1", "austin-01")
	forged.Number = "900"
	forge := fmt.Sprintf("UPDATE callbacks SET number = '900', sum = x'%x' WHERE id = 'cb1'",
		callbacksTable.sum(nil, callbackValues(forged)))

	t.Run("a row", func(t *testing.T) {
		path := damaged(t, forge)
		j := open(t, path)
		if w := strings.Join(j.Warnings(), "\n"); !strings.Contains(w, "was rebuilt") ||
			!strings.Contains(w, "rows of login_names are lost") {
			t.Errorf("warnings: %s", w)
		}
		good, bad, err := j.Pending(ctx)
		if err != nil || len(good) != 1 || good[0].ID != "cb2" || len(bad) != 1 || bad[0].Key != `"cb1"` {
			t.Errorf("pending: %v %v %v", good, bad, err)
		}
		if bad, err := j.Verify(ctx); err != nil || len(bad) != 1 {
			t.Errorf("%v %v", bad, err)
		}
		known := map[string]bool{}
		for _, n := range rows(j.LoginNames(ctx)) {
			known[n.Key] = true
		}
		if !known[name(0)] || !known[name(names-1)] || known[name(names/2)] || len(known) < names/2 {
			t.Errorf("%d names of %d are left, the first %v, the last %v", len(known), names, known[name(0)],
				known[name(names-1)])
		}
	})
	for what, tt := range map[string]struct {
		statement string
		do        func(path string) error
		want      string
	}{
		"no mark of the key": {forge + "; DELETE FROM marks WHERE name = 'key'", func(string) error { return nil },
			"its rows are not signed yet"},
		"no key": {forge, func(path string) error { return os.Remove(keyPath(path)) },
			"is missing (restore a backup)"},
		"another key": {forge, func(path string) error {
			return os.WriteFile(keyPath(path),
				[]byte(strings.Repeat("ab", 32)), 0o600)
		},
			"signed with a key other than"},
	} {
		t.Run(what, func(t *testing.T) {
			path := damaged(t, tt.statement)
			if err := tt.do(path); err != nil {
				t.Fatal(err)
			}
			before := contents(t, path)
			refused(t, path, "is damaged", "cannot be rebuilt", tt.want)
			if contents(t, path) != before {
				t.Error("what was refused was changed")
			}
			if left, err := filepath.Glob(path + ".*"); err != nil || len(left) > 0 {
				t.Errorf("left beside it: %v %v", left, err)
			}
		})
	}
}

// TestEachMutationIsKnown: the store implements every mutation that the journal declares.
func TestEachMutationIsKnown(t *testing.T) {
	found := func(pattern string, files ...string) (names []string) {
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(text, -1) {
				names = append(names, string(m[1]))
			}
		}
		return names
	}
	declared := found(`func \((\w+)\) +mutation\(\)`, "../shared.go", "../own.go", "../ledger.go", "../fleet.go")
	known := found(`case (?:nil, )?journal\.(\w+):\n\t\treturn (?:w|nil)`, "apply.go")
	if len(declared) < 19 || !sameSet(declared, known) {
		t.Errorf("declared are %v\nknown are %v", declared, known)
	}
}
