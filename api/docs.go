package api

import (
	"fmt"
	"html"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// docsPage serves /docs: the routes from the OpenAPI description. The page loads no scripts or other resources: a
// script from another host would have the rights of the person viewing the page.
func docsPage(o *huma.OpenAPI) http.HandlerFunc {
	page := []byte(docsHTML(o))
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy",
			"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "+
				"frame-ancestors 'none'")
		w.Write(page)
	}
}

func docsHTML(o *huma.OpenAPI) string {
	var b strings.Builder
	text := html.EscapeString
	fmt.Fprintf(&b, `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>%[1]s</title>
<style>body{font-family:sans-serif;max-width:60em;margin:2em auto}td,th{text-align:left;vertical-align:top;padding:.2em .8em .2em 0}</style></head>
<body><h1>%[1]s</h1><p>%[2]s</p>
<p>For all fields, see <a href="/openapi.json">/openapi.json</a> (OpenAPI %[3]s).</p>
<table><tr><th>Method and path</th><th>Summary</th><th>Parameters</th></tr>
`, text(o.Info.Title), text(o.Info.Description), text(o.OpenAPI))
	for _, path := range slices.Sorted(maps.Keys(o.Paths)) {
		item := o.Paths[path]
		for _, r := range []struct {
			method string
			*huma.Operation
		}{{http.MethodGet, item.Get}, {http.MethodPost, item.Post}, {http.MethodPut, item.Put},
			{http.MethodPatch, item.Patch}, {http.MethodDelete, item.Delete}} {
			if r.Operation == nil {
				continue
			}
			var params []string
			for _, p := range r.Parameters {
				what := fmt.Sprintf("<code>%s</code> in %s", text(p.Name), text(p.In))
				if p.Description != "" {
					what += ": " + text(p.Description)
				}
				params = append(params, what)
			}
			fmt.Fprintf(&b, "<tr><td><code>%s %s</code></td><td>%s</td><td>%s</td></tr>\n", r.method, text(path),
				text(r.Summary), strings.Join(params, "<br>"))
		}
	}
	b.WriteString("</table></body></html>\n")
	return b.String()
}
