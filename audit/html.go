package audit

import (
	"fmt"
	"html"
	"io"
	"strconv"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// htmlExport writes one page without scripts and without anything from elsewhere, for reading and printing.
type htmlExport struct {
	w      io.Writer
	zone   *time.Location
	rows   int64
	last   []byte
	header Header
}

// The page, with its values as %s, which escaped fills in: html/template would make the linker keep every exported
// method of the program, 5 MB.
const (
	htmlHead = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width"><title>Audit%[1]s</title>
<style>
body{font:10pt/1.4 sans-serif;margin:2em;color:#111;background:#fff}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1em}dt{font-weight:bold}dd{margin:0}
table{border-collapse:collapse;width:100%%}th,td{border:1px solid #999;padding:.2em .5em;text-align:left;vertical-align:top}
td{overflow-wrap:anywhere}td.n,td.t,td.d{white-space:nowrap}td.d{font-family:monospace}
thead{display:table-header-group}tr{break-inside:avoid}
</style></head><body>
<h1>Audit%[1]s</h1>
<dl><dt>Journal</dt><dd>%[2]s</dd><dt>Exported</dt><dd>%[3]s</dd><dt>Time</dt><dd>%[4]s</dd>
<dt>User</dt><dd>%[5]s</dd></dl>
<table><thead><tr><th scope="col">Row</th><th scope="col">Time</th><th scope="col">What</th><th scope="col">Who</th>
<th scope="col">Details</th><th scope="col">Digest</th></tr></thead><tbody>
`
	htmlRow = `<tr><td class="n">%s</td><td class="t">%s</td><td>%s</td><td>%s</td><td>%s</td><td class="d">%s</td></tr>
`
	htmlEnd = `</tbody></table>
<p>%s</p>
</body></html>
`
)

// escaped writes a part of the page. The values are texts between tags.
func (x *htmlExport) escaped(part string, values ...string) error {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = html.EscapeString(v)
	}
	_, err := fmt.Fprintf(x.w, part, all...)
	return err
}

// readable formats a time for people, with its zone.
const readable = "2006-01-02 15:04:05 -0700"

func (x *htmlExport) begin(h Header) error {
	x.header, x.zone = h, h.Exported.Location()
	site, times, user := "", "all", "all"
	if h.Site != "" {
		site = " of " + visible(h.Site)
	}
	from, to := "the first row", "the last row"
	if !h.From.IsZero() {
		from = h.From.In(x.zone).Format(readable)
	}
	if !h.To.IsZero() {
		to = h.To.In(x.zone).Format(readable)
	}
	if !h.From.IsZero() || !h.To.IsZero() {
		times = "from " + from + " to before " + to
	}
	if h.User != "" {
		user = visible(h.User)
	}
	return x.escaped(htmlHead, site, h.Journal, h.Exported.Format(readable), times, user)
}

func (x *htmlExport) row(a journal.Audit) error {
	x.rows, x.last = x.rows+1, a.Digest
	at := ""
	if !a.Time.IsZero() {
		at = a.Time.In(x.zone).Format(readable)
	}
	return x.escaped(htmlRow, strconv.FormatInt(a.Seq, 10), at, visible(a.Kind), visible(a.Who), visible(a.Text),
		fmt.Sprintf("%.8x", a.Digest))
}

func (x *htmlExport) keep(journal.Audit) error { return nil }

func (x *htmlExport) end() error {
	text := fmt.Sprintf("%d rows.", x.rows)
	if x.rows > 0 {
		text += fmt.Sprintf(" The digest of the last one is %x.", x.last)
	}
	return x.escaped(htmlEnd, text+" This page is for reading: verify the journal, or an export in "+
		"JSON, with `ringback audit verify`.")
}
