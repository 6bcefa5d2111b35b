package tariff

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/schema"
)

// Keys is the table of the keys of a YAML tariff.
func Keys() []schema.Key {
	return []schema.Key{
		{Name: "currency", Check: CheckCurrency, Example: "EUR",
			Doc: "Currency of all prices, as ISO 4217 writes it. Default: that of `tariff.currency`."},
		{Name: "rates", Type: schema.List, Required: true, Elem: &schema.Key{Type: schema.Object, Keys: rateKeys},
			Example: "[{prefix: 4930, per_minute: 0.02, granularity: 60/60}]", Doc: "The rates, in any order."},
	}
}

// rateKeys are the keys of a rate in a YAML file, and the columns of a CSV file.
var rateKeys = []schema.Key{
	{Name: "prefix", Loose: true, Required: true, Check: checkPrefix, Example: "4930",
		Doc: "First digits of the numbers. The rate with the longest prefix applies."},
	{Name: "zone", Check: checkZone, Example: "Berlin", Doc: "Name of the destination, for reports."},
	{Name: "per_minute", Loose: true, Required: true, Check: checkMoney, Example: "0.02",
		Doc: "Price per minute, with up to six decimals."},
	{Name: "per_call", Loose: true, Check: checkMoney, Default: "0", Example: "0.05",
		Doc: "Price of a connected call, in addition to its minutes."},
	{Name: "granularity", Required: true, Check: checkGranularity, Example: "60/60",
		Doc: "Billed time in seconds: the least, and the step by which it then grows. `60/60` rounds up to minutes, " +
			"`1/1` to seconds."},
	{Name: "caller_per_minute", Loose: true, Check: checkMoney, Example: "0.19",
		Doc: "Price per minute of a call from such a number to the site, for its caller; absent: unknown. " +
			"`callback: when_cheaper` compares it."},
	{Name: "caller_per_call", Loose: true, Check: checkMoney, Default: "0", Example: "0.05",
		Doc: "Price of such a call, in addition to its minutes. It needs `caller_per_minute`."},
}

// currencyColumn is the column of a CSV file that a YAML file has once.
var currencyColumn = schema.Key{Name: "currency", Check: CheckCurrency, Example: "EUR"}

// CheckCurrency returns an error unless s is three capital letters (ISO 4217).
func CheckCurrency(s string) error {
	if len(s) != 3 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return fmt.Errorf("%.40q is not a currency (write three capital letters as in ISO 4217: EUR)", s)
	}
	return nil
}

func checkPrefix(s string) error {
	if s == "" || len(s) > numbers.MostDigits || strings.Trim(s, "0123456789") != "" {
		return fmt.Errorf("%.40q is not a prefix (write 1 to %d digits, without + and *)", s, numbers.MostDigits)
	}
	return nil
}

func checkZone(s string) error {
	if utf8.RuneCountInString(s) > 64 || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("%.40q is not a zone (write up to 64 printable characters)", s)
	}
	return nil
}

func checkMoney(s string) error {
	_, err := ParseMoney(s)
	return err
}

// CheckCeiling accepts an amount of money that limits.
func CheckCeiling(s string) error {
	m, err := ParseMoney(s)
	if err == nil && m == 0 {
		return errors.New("0 limits nothing (write an amount, or deny the numbers in the policy files)")
	}
	return err
}

func checkGranularity(s string) error {
	_, err := ParseGranularity(s)
	return err
}

// Parse reads a tariff: CSV if the name of the file ends in .csv, YAML if it ends in .yaml. file is only its name. A
// file may leave the currency to the argument; if both name one, they must be equal. The Table is nil if there are
// errors; all are reported at once.
func Parse(file string, data []byte, currency string) (*Table, schema.Problems) {
	b := builder{file: file, currency: currency, lines: map[string]int{}}
	switch strings.ToLower(filepath.Ext(file)) {
	case ".csv":
		b.csv(data)
	case ".yaml":
		b.yaml(data)
	default:
		b.problem(0, 0, "", "rename it to NAME.csv or NAME.yaml", "not a tariff")
	}
	if b.problems.HasErrors() {
		return nil, b.problems
	}
	return newTable(b.currency, b.rates), b.problems
}

// builder collects the rates of a file and its problems.
type builder struct {
	file     string
	currency string // "" until the file names it
	rates    []Rate
	lines    map[string]int // prefix → the line that has it
	problems schema.Problems
}

func (b *builder) problem(line, column int, key, hint, format string, args ...any) {
	b.problems = append(b.problems, schema.Problem{File: b.file, Line: line, Column: column, Key: key, Hint: hint,
		Msg: fmt.Sprintf(format, args...)})
}

// names notes the currency that the file names.
func (b *builder) names(currency string, line, column int, key string) {
	if b.currency == "" {
		b.currency = currency
	}
	if b.currency != currency {
		b.problem(line, column, key, "a tariff has one currency; convert the prices or correct tariff.currency",
			"%s where %s is expected", currency, b.currency)
	}
}

// field is the text of a key or a cell, and its position.
type field struct {
	text         string
	line, column int
	key          string // its path in the file
}

// add adds a rate whose fields have been checked; get returns the field of a key, empty if it is absent.
func (b *builder) add(get func(name string) field) {
	prefix := get("prefix")
	if first, ok := b.lines[prefix.text]; ok {
		b.problem(prefix.line, prefix.column, prefix.key, "remove one of the two", "prefix %s is already on line %d",
			prefix.text, first)
		return
	}
	b.lines[prefix.text] = prefix.line
	r := Rate{Prefix: prefix.text, Zone: get("zone").text}
	var err [5]error
	r.PerMinute, err[0] = ParseMoney(get("per_minute").text)
	r.PerCall, err[1] = optional(get("per_call"))
	r.Granularity, err[2] = ParseGranularity(get("granularity").text)
	r.Caller.Known = get("caller_per_minute").text != ""
	r.Caller.PerMinute, err[3] = optional(get("caller_per_minute"))
	r.Caller.PerCall, err[4] = optional(get("caller_per_call"))
	if c := get("caller_per_call"); c.text != "" && !r.Caller.Known {
		b.problem(c.line, c.column, c.key, "write caller_per_minute too; 0 is a price", "is of no use alone")
	}
	if errors.Join(err[:]...) == nil { // otherwise reported by the table of keys
		b.rates = append(b.rates, r)
	}
}

// optional returns the amount of a field that may be absent.
func optional(f field) (Money, error) {
	if f.text == "" {
		return 0, nil
	}
	return ParseMoney(f.text)
}

func (b *builder) yaml(data []byte) {
	v, problems := schema.Parse(b.file, data, Keys())
	b.problems = append(b.problems, problems...)
	if c := v.Get("currency"); c.IsSet() {
		b.names(c.Text(), c.Line, c.Column, c.Path)
	}
	if b.currency == "" && !problems.HasErrors() {
		b.problem(1, 1, "currency", "write currency: EUR", "is required")
	}
	for _, rate := range v.Get("rates").Items() {
		get := func(name string) field {
			f := rate.Get(name)
			if !f.IsSet() {
				return field{}
			}
			return field{f.Text(), f.Line, f.Column, f.Path}
		}
		if get("prefix").text != "" {
			b.add(get)
		}
	}
}

// csv reads a file whose first line names the columns. Lines that begin with # are comments. The byte order mark that
// spreadsheets write is ignored.
func (b *builder) csv(data []byte) {
	if len(data) > schema.MaxSize {
		b.problem(0, 0, "", "", "the file has %d octets; the maximum is %d", len(data), schema.MaxSize)
		return
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	r.Comment, r.TrimLeadingSpace, r.ReuseRecord = '#', true, true
	head, ok := b.record(r)
	if !ok {
		if len(b.problems) == 0 {
			b.problem(1, 1, "", "begin it with "+header(), "the file is empty")
		}
		return
	}
	columns, ok := b.columns(r, head)
	if !ok {
		return
	}
	for {
		record, ok := b.record(r)
		if !ok {
			break
		}
		if len(record) == len(columns) { // otherwise reported
			b.row(r, columns, record)
		}
	}
	if len(b.rates) == 0 && len(b.problems) == 0 {
		b.problem(1, 1, "", "add a line for each prefix", "there are no rates")
	}
}

// record reads the next record; false at the end or after an error that hides what follows.
func (b *builder) record(r *csv.Reader) ([]string, bool) {
	record, err := r.Read()
	var bad *csv.ParseError
	switch {
	case err == nil:
		return record, true
	case errors.Is(err, io.EOF):
		return nil, false
	case errors.As(err, &bad) && errors.Is(err, csv.ErrFieldCount):
		b.problem(bad.Line, 1, "", "write a comma between two columns and none in a price; quote a zone with a comma",
			"has %d columns; the first line names %d", len(record), r.FieldsPerRecord)
		return record, true
	case errors.As(err, &bad):
		b.problem(bad.Line, bad.Column, "", "quote the whole field, and double the quotes in it", "invalid CSV: %v",
			bad.Err)
	default:
		b.problem(0, 0, "", "", "invalid CSV: %v", err)
	}
	return nil, false
}

// columns returns the row of each column that the first line names.
func (b *builder) columns(r *csv.Reader, head []string) ([]schema.Key, bool) {
	valid := append(slices.Clone(rateKeys), currencyColumn)
	var names []string
	for _, k := range valid {
		names = append(names, k.Name)
	}
	columns, seen := make([]schema.Key, len(head)), map[string]bool{}
	for i, name := range head {
		name = strings.TrimSpace(name)
		line, column := r.FieldPos(i)
		k := schema.Find(valid, name)
		switch {
		case k == nil && strings.ContainsAny(name, ";\t"):
			b.problem(line, column, "", "export it with commas", "the columns are not separated by commas")
			return nil, false
		case k == nil:
			b.problem(line, column, "", "valid columns: "+strings.Join(names, ", "), "unknown column %.40q", name)
		case seen[name]:
			b.problem(line, column, name, "remove one of the two", "the column is named twice")
		default:
			columns[i], seen[name] = *k, true
		}
	}
	for _, k := range rateKeys {
		if k.Required && !seen[k.Name] {
			b.problem(1, 1, k.Name, "the first line is "+header(), "the column is missing")
		}
	}
	if b.currency == "" && !seen[currencyColumn.Name] {
		b.problem(1, 1, currencyColumn.Name, "add the column, or write tariff.currency in the configuration",
			"the column is missing")
	}
	return columns, len(b.problems) == 0
}

// header returns the first line of a complete CSV file.
func header() string {
	var names []string
	for _, k := range rateKeys {
		names = append(names, k.Name)
	}
	return strings.Join(append(names, currencyColumn.Name), ",")
}

// row checks one record and adds its rate.
func (b *builder) row(r *csv.Reader, columns []schema.Key, record []string) {
	cells, bad := map[string]field{}, false
	for i, k := range columns {
		line, column := r.FieldPos(i)
		text := strings.TrimSpace(record[i])
		if text == "" {
			if k.Required || k.Name == currencyColumn.Name {
				b.problem(line, column, k.Name, "write a value such as "+k.Example, "is required")
				bad = true
			}
			continue
		}
		if _, err := schema.ParseScalar(k, text); err != nil {
			b.problem(line, column, k.Name, "", "%s", err)
			bad = true
			continue
		}
		cells[k.Name] = field{text, line, column, k.Name}
	}
	if c, ok := cells[currencyColumn.Name]; ok {
		b.names(c.text, c.line, c.column, c.key)
	}
	if !bad {
		b.add(func(name string) field { return cells[name] })
	}
}
