package sqlite

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ringback/ringback/broker/journal"
)

func TestSetAside(t *testing.T) {
	ctx := context.Background()
	path := newPath(t)
	j := open(t, path)
	twoOfEach(t, j)
	edit(t, path, "PRAGMA ignore_check_constraints = on; UPDATE callbacks SET number = '900', max = -5 WHERE id "+
		"= 'cb1'",
		"UPDATE calls SET caller = '900' WHERE id = 'call1'", "UPDATE spool SET body = '' WHERE id = 'r1'")
	again := journal.PutCallback{Callback: callback("cb3", "austin-01")}
	if err := j.Commit(ctx, again); !errors.Is(err, journal.ErrPending) {
		t.Errorf("beside a damaged pending callback: %v", err)
	}
	commit(t, j, journal.SetAside{Time: at(10)}, journal.AddAudit{Audit: record("set aside")}, again)
	if bad, err := j.Verify(ctx); err != nil || len(bad) > 0 {
		t.Errorf("verify: %v, %v", bad, err)
	}
	c, _, err := j.Callback(ctx, "cb1")
	if err != nil || c.Pending() || c.Outcome != "failed" || c.Cause != journal.DamagedCause || !c.Ended.Equal(at(10)) {
		t.Errorf("%+v, %v", c, err)
	}
	if got := rows(j.Pending(ctx)); len(got) != 2 || got[0].ID != "cb2" || got[1].ID != "cb3" {
		t.Errorf("%v", got)
	}
	if got := rows(j.OpenCalls(ctx)); len(got) != 1 || got[0].ID != "call2" {
		t.Errorf("%v", got)
	}
	if got := rows(j.SpoolNext(ctx, 9)); len(got) != 1 || got[0].ID != "r2" {
		t.Errorf("%v", got)
	}
	var kept strings.Builder
	rs, err := j.db.Query("SELECT tbl || ' ' || key || ' ' || content FROM set_aside ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	defer rs.Close()
	for rs.Next() {
		var s string
		if err := rs.Scan(&s); err != nil {
			t.Fatal(err)
		}
		kept.WriteString(s + "\n")
	}
	for _, want := range []string{`callbacks "cb1" {`, `"max":-5,`, `"number":"\"900\""`, `calls "call1"`,
		`spool 1 {`} {
		if !strings.Contains(kept.String(), want) {
			t.Errorf("%s is not kept:\n%s", want, &kept)
		}
	}
}
