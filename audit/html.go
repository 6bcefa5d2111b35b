package audit

import (
	"fmt"
	"html/template"
	"io"
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

type htmlHead struct {
	Site, Journal, Exported, Range, User string
}

type htmlRow struct {
	Seq                            int64
	Time, Kind, Who, Text, Digest8 string
}

var page = template.Must(template.New("head").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width"><title>Audit{{with .Site}} of {{.}}{{end}}</title>
<style>
body{font:10pt/1.4 sans-serif;margin:2em;color:#111;background:#fff}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1em}dt{font-weight:bold}dd{margin:0}
table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:.2em .5em;text-align:left;vertical-align:top}
td{overflow-wrap:anywhere}td.n,td.t,td.d{white-space:nowrap}td.d{font-family:monospace}
thead{display:table-header-group}tr{break-inside:avoid}
</style></head><body>
<h1>Audit{{with .Site}} of {{.}}{{end}}</h1>
<dl><dt>Journal</dt><dd>{{.Journal}}</dd><dt>Exported</dt><dd>{{.Exported}}</dd><dt>Time</dt><dd>{{.Range}}</dd>
<dt>User</dt><dd>{{.User}}</dd></dl>
<table><thead><tr><th scope="col">Row</th><th scope="col">Time</th><th scope="col">What</th><th scope="col">Who</th>
<th scope="col">Details</th><th scope="col">Digest</th></tr></thead><tbody>
{{define "row"}}<tr><td class="n">{{.Seq}}</td><td class="t">{{.Time}}</td><td>{{.Kind}}</td><td>{{.Who}}</td>` +
	`<td>{{.Text}}</td><td class="d">{{.Digest8}}</td></tr>
{{end}}{{define "end"}}</tbody></table>
<p>{{.}}</p>
</body></html>
{{end}}`))

// readable formats a time for people, with its zone.
const readable = "2006-01-02 15:04:05 -0700"

func (x *htmlExport) begin(h Header) error {
	x.header, x.zone = h, h.Exported.Location()
	head := htmlHead{visible(h.Site), h.Journal, h.Exported.Format(readable), "all", "all"}
	from, to := "the first row", "the last row"
	if !h.From.IsZero() {
		from = h.From.In(x.zone).Format(readable)
	}
	if !h.To.IsZero() {
		to = h.To.In(x.zone).Format(readable)
	}
	if !h.From.IsZero() || !h.To.IsZero() {
		head.Range = "from " + from + " to before " + to
	}
	if h.User != "" {
		head.User = visible(h.User)
	}
	return page.ExecuteTemplate(x.w, "head", head)
}

func (x *htmlExport) row(a journal.Audit) error {
	x.rows, x.last = x.rows+1, a.Digest
	at := ""
	if !a.Time.IsZero() {
		at = a.Time.In(x.zone).Format(readable)
	}
	return page.ExecuteTemplate(x.w, "row", htmlRow{a.Seq, at, visible(a.Kind), visible(a.Who), visible(a.Text),
		fmt.Sprintf("%.8x", a.Digest)})
}

func (x *htmlExport) keep(journal.Audit) error { return nil }

func (x *htmlExport) end() error {
	text := fmt.Sprintf("%d rows.", x.rows)
	if x.rows > 0 {
		text += fmt.Sprintf(" The digest of the last one is %x.", x.last)
	}
	return page.ExecuteTemplate(x.w, "end", text+" This page is for reading: verify the journal, or an export in "+
		"JSON, with `ringback audit verify`.")
}
