package condition

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

var facts = Facts{
	User: "kim@example.com", Realm: "example.com", Entry: "radius", Group: "field", Groups: []string{"staff", "night"},
	Service: "exec", Number: "84007", Origin: "caller", Priv: 1,
	Time: time.Date(2026, 12, 24, 7, 5, 0, 0, time.UTC), // a Thursday
}

func TestHolds(t *testing.T) {
	var c Compiler
	for text, want := range map[string]bool{
		`true`: true, `false`: false,
		`user == "kim@example.com"`: true, `realm == "example.com" && entry != "local"`: true,
		`group == "field" || 1 == 2`: true, `!(service == "ppp")`: true, `service == "ppp"`: false,
		`number.startsWith("84") && !number.endsWith("9")`: true, `number.contains("00")`: true,
		`number.matches("^84[0-9]{3}$")`: true, `number.matches("^[0-9]{3}$")`: false, `size(number) == 5`: true,
		`origin in ["aaa", "place"]`: false, `"night" in groups`: true, `size(groups) < 2`: false,
		`groups.exists(g, g.startsWith("sta"))`: true, `groups.all(g, g != "guests")`: true,
		`time >= "07:00" && time < "07:30"`: true, `time < "07:05"`: false, `weekday in ["sat", "sun"]`: false,
		`weekday == "thu" && date == "2026-12-24"`: true, `date < "2026-12-24"`: false,
		`priv_lvl < 15`: true, `priv_lvl >= 2 ? true : service == "exec"`: true,
		"service == \"exec\" &&\n  priv_lvl == 1": true, `origin == "caller" ? number != "84007" : true`: false,
	} {
		e, err := c.Compile(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := e.Holds(&facts); got != want || err != nil {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	var c Compiler
	for text, want := range map[string]string{
		"": "the expression is empty", "\n ": "the expression is empty",
		`usr == "kim"`:                           `at column 1 of the expression: there is no variable or function "usr"`,
		"service == \"exec\" &&\n  usr == \"k\"": "at line 2, column 3 of the expression: there is no variable",
		`user = "kim"`:                           "at column 6 of the expression: there is no operator = (write == or !=)",
		`user == 84001`:                          "== compares a text and an integer (write both as text, such as number",
		`user`:                                   "the expression is a text, not true or false (write a comparison, such as",
		`size(user)`:                             "the expression is an integer",
		`groups`:                                 "the expression is a list of texts",
		`user.matches(number)`:                   "matches takes a pattern in quotes, no variable",
		`matches(user, number)`:                  "matches takes a pattern in quotes, no variable",
		`user.matches("(")`:                      "at column 14 of the expression: the pattern is not a regular expression of RE2",
		`user.matches("(a{30}){30}")`:            "regex program size",
		`["a"].map(x, x) == groups`:              `there is no variable or function "map"`,
		`groups.filter(g, true) == []`:           `there is no variable or function "filter"`,
		`user + user == ""`:                      "there is no operator +",
		`groups[0] == "x"`:                       "there is no operator [ ] (",
		`timestamp("2026-12-24T00:00:00Z") == timestamp("")`: `there is no variable or function "timestamp"`,
		`dyn(user) == 1`: `there is no variable or function "dyn"`,
		`has(user.name)`: "at column ",
		`1/0 == 1`:       "there is no operator /",
		strings.Repeat("(", 100) + "true" + strings.Repeat(")", 100): "the expression is nested deeper than 24",
		strings.Repeat("true || ", 200) + "true": "the expression has 1604 octets; the maximum is " +
			"1000 (write several)",
		`user == "` + strings.Repeat("x", MaxLength) + `"`: "the expression has ",
		`groups.all(a, groups.all(b, groups.all(c, groups.all(d, true))))`: "units; the maximum is 20000 (shorten its " +
			"lists, or nest fewer of all and exists)",
		`groups.all(a, groups.exists(b, a.contains(b)))`:                  "the expression can cost ",
		strings.Repeat("[1,2,3,4,5,6,7,8,9,0].all(a, ", 4) + "a == 1))))": "the expression can cost",
	} {
		e, err := c.Compile(text)
		if e != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, want %s", text, err, want)
		}
	}
}

// TestWording: what CEL reports is said in the words of the reference, with what to write instead.
func TestWording(t *testing.T) {
	var c Compiler
	for text, want := range map[string]string{
		`user ==`:                    `at column 8 of the expression: a value is missing at the end (write a comparison, such `,
		`(user == "x"`:               `')' is missing before the end`,
		`user == "x" ? true`:         "the second part of ? : is missing (write CONDITION ? A : B)",
		`user.startsWith(1)`:         "startsWith does not take an integer for a text (write TEXT.startsWith(TEXT))",
		`user.contains()`:            "contains does not take nothing for a text (write TEXT.contains(TEXT))",
		`"x" in user`:                "in does not take a text and a text (write X in LIST)",
		`!user`:                      `! does not take a text (write !(user == "kim"))`,
		`user && true`:               "a text stands where a condition must be (write a comparison, such as",
		`user == "\q"`:               "a backslash in it has no meaning",
		`user == 'x`:                 "the text in quotes has no end",
		`exists(groups, g, g == "")`: "exists has other arguments (write LIST.exists(x, CONDITION))",
		`groups.exists(g)`:           "exists has other arguments",
		`true; false`:                `";" has no meaning there (the reference lists the operators: == !=, `,
		`user == “x”`:                `“ is no quotation mark of an expression (write ")`,
		`99999999999999999999 == 1`:  "the number is too large (put a telephone number in quotes)",
		`user =~ "x"`:                `there is no operator =~ (write user.matches("PATTERN"))`,
		`user & "x"`:                 "there is no operator & (write && or ||)",
		`user not in groups`:         `"not" is no operator (write !("night" in groups))`,
		`user == "x" and true`:       `"and" is no operator (write &&)`,
		`user == "x" user`:           `"user" cannot stand there (join conditions with && and ||)`,
		`null`:                       "the expression is null, not true or false",
		`user.name == "x"`:           "a text has no parts (write the variable alone",
		`if user`:                    "if is a reserved word (write the condition alone)",
		`[1, "a"] == [1]`:            "a text stands where an integer must be (the elements of a list have the same type)",
		`hour == 1`:                  `no variable or function "hour" (the variables are user, realm, `,
		`1 + 1 == 2`:                 "there is no operator + (the reference lists the operators: == !=, ",
		`google.protobuf.Any{} == 1`: "an expression has no messages NAME{...}",
	} {
		e, err := c.Compile(text)
		if e != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
		for _, of := range []string{"overload", "token", "EOF", "Syntax", "IDENTIFIER", "bool", "'_"} {
			if err != nil && strings.Contains(err.Error(), of) {
				t.Errorf("%s: %v has CEL's own %s", text, err, of)
			}
		}
	}
}

// Values that are larger than the estimate assumes are an error, which grants nothing. Others cost no more than that.
func TestLargeValues(t *testing.T) {
	var c Compiler
	long := strings.Repeat("x", maxText)
	most := Facts{User: long, Number: long, Groups: slices.Repeat([]string{long}, maxGroups)}
	for _, text := range []string{`!user.contains("y")`, `groups.all(g, g != "")`, `!("x" in groups)`,
		`!user.matches("(x+x+)+y")`, `groups.all(g, !g.matches("y$"))`, `!groups.exists(g, g.contains("y"))`} {
		e, err := c.Compile(text)
		if err != nil {
			t.Fatal(text, err)
		}
		if holds, err := e.Holds(&most); !holds || err != nil {
			t.Errorf("%s: %v, %v", text, holds, err)
		}
		for _, f := range []Facts{{User: long + "x"}, {Number: strings.Repeat("x", 16<<20)},
			{Groups: []string{"", long + "x"}}, {Groups: make([]string, maxGroups+1)}} {
			if holds, err := e.Holds(&f); holds || err == nil {
				t.Errorf("%s: %v, %v", text, holds, err)
			}
		}
	}
}

// A text that a variable can never be is an error where they are compared, and nowhere else.
func TestLiteralForms(t *testing.T) {
	var c Compiler
	for text, want := range map[string]string{
		`time < "7:00"`:                      `time is never "7:00" (write hours and minutes such as 07:30)`,
		`"7:00" <= time`:                     `time is never "7:00"`,
		`time >= "07:60"`:                    `time is never "07:60"`,
		`time == "24:00"`:                    `time is never "24:00"`,
		`time in ["24:00"]`:                  `time is never "24:00"`,
		`time > "24:01"`:                     `time is never "24:01"`,
		`time < "07:00:00"`:                  `time is never "07:00:00"`,
		`time != "07:3\u0660"`:               `time is never "07:3`,
		`date == "2026-2-30"`:                `date is never "2026-2-30" (write a date of the calendar such as 2026-12-24)`,
		`date < "2026-02-30"`:                `date is never "2026-02-30"`,
		`date >= "24:00"`:                    `date is never "24:00"`,
		`date == ""`:                         `date is never ""`,
		`weekday in ["sunday"]`:              `weekday is never "sunday" (write sun, mon, tue, wed, thu, fri or sat)`,
		`!(weekday in ["sat", "Sun"])`:       `weekday is never "Sun"`,
		`weekday != "24:00"`:                 `weekday is never "24:00"`,
		`origin == "callerid"`:               `origin is never "callerid" (write aaa, place, caller or caller_id)`,
		`true || !(origin != "radius")`:      `origin is never "radius"`,
		`service in ["exec", "slip"]`:        `service is never "slip" (write exec, ppp or outbound)`,
		`groups.all(g, service == "PPP")`:    `service is never "PPP"`,
		`user == "k" ? time < "" : true`:     `time is never ""`,
		`groups.all(time, date == "x")`:      `date is never "x"`,
		`origin == r"\x"`:                    `origin is never "\\x"`,
		`time in groups || time in ["noon"]`: `time is never "noon"`,

		`time < "24:00" && "24:00" >= time`:                     "",
		`time >= "00:00" && time != "23:59"`:                    "",
		`date == "2028-02-29" || date in ["2026-12-24"]`:        "",
		`weekday in ["sun", "mon", "tue", "wed", "thu", "fri"]`: "",
		`time.startsWith("7") || date.contains("-2-")`:          "", // a part of it
		`groups.all(time, time == "x" || time in ["x"])`:        "", // another time
		`user == "7:00" || "sunday" in groups`:                  "",
		`time in groups || date == user`:                        "",
	} {
		_, err := c.Compile(text)
		if got := fmt.Sprint(err); want == "" && err != nil || want != "" && !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestUsesTime(t *testing.T) {
	var c Compiler
	for text, want := range map[string]bool{`time < "12:00"`: true, `date == "2026-12-24"`: true, `user == "time"`: false,
		`groups.all(g, weekday == g)`: true, `groups.all(t, t == "time")`: false} {
		e, err := c.Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		if e.UsesTime() != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
}

func TestNil(t *testing.T) {
	var e *Expression
	if holds, err := e.Holds(&facts); holds || err == nil || e.UsesTime() {
		t.Error(holds, err)
	}
}

// A table of variables that CEL and the documentation have in common.
func TestVariables(t *testing.T) {
	var c Compiler
	if c.once.Do(c.build); c.err != nil {
		t.Fatal(c.err)
	}
	declared := map[string]string{}
	for _, v := range c.env.Variables() {
		if v.Type().Kind() != types.TypeKind { // the names of types
			declared[v.Name()] = v.Type().String()
		}
	}
	for _, v := range Variables() {
		if declared[v.Name] != v.Type() || v.Doc == "" {
			t.Errorf("%s: %s, %q", v.Name, v.Type(), declared[v.Name])
		}
		value, ok := facts.ResolveName(v.Name)
		if got, isVal := value.(ref.Val); !ok || !isVal || got.Type().TypeName() != strings.Split(v.Type(), "(")[0] {
			t.Errorf("%s: %v", v.Name, value)
		}
		delete(declared, v.Name)
	}
	if len(declared) > 0 {
		t.Error("not in the table:", declared)
	}
	if _, ok := facts.ResolveName("secret"); ok {
		t.Error("a variable that is not in the table")
	}
}

func TestConcurrent(t *testing.T) {
	var c Compiler
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			e, err := c.Compile(`groups.exists(g, g == "night") && number.matches("^84")`)
			if err != nil {
				t.Error(err)
				return
			}
			for range 100 {
				if holds, err := e.Holds(&facts); !holds || err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
}

// No text makes compiler or evaluation panic, take long or need much memory.
func FuzzExpression(f *testing.F) {
	for _, s := range []string{`user == "kim" && time < "12:00"`, `groups.all(g, g.matches("^x{9}"))`, `((((`, `!!!!!true`,
		`[[[[[[]]]]]] == []`, `{"a": 1} == {}`, `r"\x" == b"x"`, `'''a''' == ""`, `1.0e308 < 2u`, `a.b.c(d)`, "\x00\xff",
		`true ? true : true ? true : true`, `groups.all(a,groups.all(b,groups.all(c,a==b)))`} {
		f.Add(s)
	}
	var c Compiler
	if c.once.Do(c.build); c.err != nil {
		f.Fatal(c.err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		e, err := c.Compile(text)
		if err == nil {
			holds, err := e.Holds(&facts)
			if again, err2 := e.Holds(&facts); again != holds || (err == nil) != (err2 == nil) {
				t.Errorf("%v, %v; then %v, %v", holds, err, again, err2)
			}
		}
		runtime.ReadMemStats(&after)
		took, used := time.Since(began), after.TotalAlloc-before.TotalAlloc
		if took > 10*time.Second || used > 256<<20 {
			t.Errorf("%q: %v, %d octets", text, took, used)
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	var c Compiler
	for b.Loop() {
		if _, err := c.Compile(`service == "exec" && number.startsWith("84") && time < "19:00"`); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEnvironment(b *testing.B) {
	for b.Loop() {
		var c Compiler
		if c.build(); c.err != nil {
			b.Fatal(c.err)
		}
	}
}

func BenchmarkHolds(b *testing.B) {
	var c Compiler
	e, err := c.Compile(`service == "exec" && number.startsWith("84") && time < "19:00"`)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if holds, err := e.Holds(&facts); !holds || err != nil {
			b.Fatal(err)
		}
	}
}
