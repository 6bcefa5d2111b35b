package sqlite

import (
	"encoding/binary"
	"encoding/hex"
	"reflect"
	"testing"

	"github.com/ringback/ringback/broker/journal"
)

// TestSumIsWhatItWas fixes the encoding: rows of older journals must still verify. The sums are sha256sum's, over bytes
// written by hand: the table's name, then i + 8 bytes, s + 8 bytes of length + text, b likewise, n.
func TestSumIsWhatItWas(t *testing.T) {
	for _, tt := range []struct {
		key    rowKey
		values []any
		want   string
	}{
		// printf 'spool' | sha256sum
		{nil, nil, "627c012b20c46af50a2a1164318d3eff7582317b0eb842ec8f7896796147db80"},
		// printf 'spooli\0\0\0\0\0\0\0\1s\0\0\0\0\0\0\0\2abnb\0\0\0\0\0\0\0\1c' | sha256sum
		{nil, []any{int64(1), "ab", nil, []byte("c")},
			"e81a23fc631e6f7a82f58b6cd89186f894a0a24f040f0eabfc27a3ed347c63b8"},
		// the same | openssl dgst -sha256 -hmac secret
		{rowKey("secret"), []any{int64(1), "ab", nil, []byte("c")},
			"501b0b4124b8975116436ad65f9977eb2b31eccdf668126acac8c137268cb561"},
	} {
		if got := hex.EncodeToString(spoolTable.sum(tt.key, tt.values)); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.values, got, tt.want)
		}
	}
}

func TestColumnsAndValuesAgree(t *testing.T) {
	for table, values := range map[*table][]any{callsTable: callValues(journal.Call{}),
		callbacksTable: callbackValues(journal.Callback{}),
		attemptsTable:  attemptValues(journal.Attempt{}), spoolTable: spooledValues(journal.Spooled{}),
		auditTable:       auditValues(journal.Audit{}),
		loginLimitsTable: limitValues(journal.LoginLimit{}), loginNamesTable: nameValues(journal.LoginName{}),
		sumsTable: sumValues(journal.Sum{}), accountsTable: accountValues(journal.Account{}),
		reservationsTable:  reservationValues(journal.Reservation{}),
		lockdownTable:      lockdownValues(journal.Lockdown{}),
		dialedTable:        dialedValues(journal.Dialed{}),
		triggeredTable:     triggeredValues(journal.Triggered{}),
		accessWindowsTable: accessWindowValues(journal.AccessWindow{}),
		usageTable:         usageValues(journal.Usage{}),
		owedTable:          owedValues(journal.Owed{}),
		lineRecordsTable:   lineRecordValues(journal.LineRecord{})} {
		if len(values) != len(table.cols) {
			t.Errorf("%s: %d values for %d columns", table.name, len(values), len(table.cols))
		}
	}
}

var testKey = rowKey("test")

// FuzzDecode decodes rows of any shape, with valid checksums: nothing panics, and what decodes encodes back to the same
// values.
func FuzzDecode(f *testing.F) {
	for _, v := range [][]any{callValues(call("c")), callbackValues(callback("c", "u")), attemptValues(attempt("c", 1)),
		spooledValues(spooled("r")),
		{int64(1), int64(2), "k", "w", "t", make([]byte, 32)}, limitValues(journal.LoginLimit{Kind: "name"}),
		nameValues(journal.LoginName{Key: "k"}), accountValues(journal.Account{Scope: "user"}),
		reservationValues(journal.Reservation{Callback: "c",
			Accounts: []journal.Charge{{Scope: "user", Key: "\xff\""}}}),
		lockdownValues(journal.Lockdown{Active: true, Reason: "fraud"}),
		accessWindowValues(journal.AccessWindow{Group: "vendor", Length: 1}),
		lineRecordValues(journal.LineRecord{TTY: 65, Counts: `{"dials":1}`, FailureKind: "no OK"}),
		dialedValues(journal.Dialed{Entry: "radius", User: "kim", Number: "84001"}),
		usageValues(journal.Usage{Begin: at(0), Incoming: 3, Money: 5}), callbackValues(shared("c", "u", 2)),
		owedValues(journal.Owed{ID: "c", Kind: "end", Epoch: 2, Body: "{}", Created: at(1)}),
	} {
		f.Add(pack(v))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		row := unpack(b)
		back(t, callsTable, row, decodeCall, callValues)
		back(t, callbacksTable, row, decodeCallback, callbackValues)
		back(t, attemptsTable, row, decodeAttempt, attemptValues)
		back(t, spoolTable, row, decodeSpooled, spooledValues)
		back(t, auditTable, row, testKey.decodeAudit, auditValues)
		back(t, loginLimitsTable, row, decodeLoginLimit, limitValues)
		back(t, loginNamesTable, row, decodeLoginName, nameValues)
		back(t, sumsTable, row, decodeSum, sumValues)
		back(t, accountsTable, row, decodeAccount, accountValues)
		back(t, reservationsTable, row, decodeReservation, reservationValues)
		back(t, lockdownTable, row, decodeLockdown, lockdownValues)
		back(t, accessWindowsTable, row, decodeAccessWindow, accessWindowValues)
		back(t, lineRecordsTable, row, decodeLineRecord, lineRecordValues)
		back(t, dialedTable, row, decodeDialed, dialedValues)
		back(t, usageTable, row, decodeUsage, usageValues)
		back(t, owedTable, row, decodeOwed, owedValues)
	})
}

func back[T any](t *testing.T, tab *table, row []any, decode func([]any) (T, error), encode func(T) []any) {
	if len(row) == 0 {
		return
	}
	if values, d := tab.check(testKey, row); (values == nil) == (d == nil) {
		t.Fatal("neither checked nor damaged")
	}
	_, d := tab.check(testKey, append(row[:len(row):len(row)], tab.sum(testKey, row)))
	if (d == nil) != (len(row) == len(tab.cols)) {
		t.Fatalf("a sum that fits: %v", d)
	}
	v, err := decode(row)
	if err != nil {
		return
	}
	// A row that is read and written again must be the same row, except values with several encodings.
	again, err := decode(encode(v))
	if err != nil || !reflect.DeepEqual(again, v) {
		t.Fatalf("%v\n%v\n%v", v, again, err)
	}
}

// pack and unpack turn a row into bytes and any bytes into a row.
func pack(values []any) (b []byte) {
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			b = append(b, 0)
		case int64:
			b = binary.BigEndian.AppendUint64(append(b, 1), uint64(v))
		case string:
			b = append(append(b, 2, byte(len(v))), v...)
		case []byte:
			b = append(append(b, 3, byte(len(v))), v...)
		}
	}
	return b
}

func unpack(b []byte) (values []any) {
	for len(b) > 0 {
		kind := b[0] % 4
		b = b[1:]
		switch {
		case kind == 0:
			values = append(values, nil)
		case kind == 1 && len(b) >= 8:
			values = append(values, int64(binary.BigEndian.Uint64(b)))
			b = b[8:]
		case kind >= 2 && len(b) >= 1 && len(b) > int(b[0]):
			text := b[1 : 1+int(b[0])]
			b = b[1+int(b[0]):]
			if kind == 2 {
				values = append(values, string(text))
			} else {
				values = append(values, append([]byte{}, text...))
			}
		default:
			return values
		}
	}
	return values
}
