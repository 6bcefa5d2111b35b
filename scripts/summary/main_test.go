package main

import (
	"os"
	"strings"
	"testing"
)

// Tests are counted, packages are not: a package that does not build, panics, hangs or fails in TestMain is listed
// separately. testdata/all.json is the output of `go test -json -timeout 2s` of Go 1.26 for six small packages.
func TestSummary(t *testing.T) {
	in, err := os.Open("testdata/all.json")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var out strings.Builder
	if err := summarize(in, &out, nil); err != nil {
		t.Fatal(err)
	}
	const end = `BROKEN sm/exits: failed outside its tests
BROKEN sm/nobuild: does not build
BROKEN sm/panics: panicked in TestA; its later tests did not run
BROKEN sm/hangs: panicked in TestB; its later tests did not run
4 passed, 2 failed, 1 skipped
`
	if !strings.HasSuffix(out.String(), end) {
		t.Errorf("got\n%s\nmust end in\n%s", out.String(), end)
	}
	for _, want := range []string{
		"SKIP sm/good TestS: a_test.go:4: needs a modem\n", "nobuild/a_test.go:3:28: undefined: undefined\n",
		"a_test.go:4: wrong\n",
		"panic: oh [recovered, repanicked]\n", "panic: test timed out after 2s\n", "\nleak\n", "ok   sm/good ",
	} {
		if strings.Count(out.String(), want) != 1 {
			t.Errorf("%q is not in the output exactly once:\n%s", want, out.String())
		}
	}
}

func TestSummaryOfText(t *testing.T) {
	var out strings.Builder
	if err := summarize(strings.NewReader("go: no such tool\n"), &out, nil); err != nil ||
		out.String() != "go: no such tool\n0 passed, 0 failed, 0 skipped\n" {
		t.Errorf("%v\n%s", err, out.String())
	}
}
