package schema

import (
	"fmt"
	"strings"
	"time"
)

// Markdown returns the reference of the keys: one Markdown table for the top-level keys and one per nested object,
// under headings of this level.
func Markdown(table []Key, level int) string {
	var b strings.Builder
	section(&b, "", table, level)
	return b.String()
}

func section(b *strings.Builder, path string, keys []Key, level int) {
	if path != "" {
		fmt.Fprintf(b, "%s `%s`\n\n", strings.Repeat("#", level), path)
	}
	b.WriteString("| key | type | default | reload | meaning | example |\n|---|---|---|---|---|---|\n")
	for _, k := range keys {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s | %s |\n",
			k.Name, typeText(k), defaultText(k), reloadText(k), cell(k.Doc), code(k.Example))
	}
	b.WriteString("\n")
	for _, k := range keys {
		p := k.Name
		if path != "" {
			p = path + "." + p
		}
		for e := &k; e != nil; e = e.Elem {
			switch e.Type {
			case List:
				p += "[]"
			case Dict:
				p += ".NAME"
			case Object:
				section(b, p, e.Keys, level)
			}
		}
	}
}

func typeText(k Key) string {
	switch {
	case len(k.Enum) > 0:
		q := make([]string, len(k.Enum))
		for i, e := range k.Enum {
			q[i] = code(e)
		}
		return strings.Join(q, ", ")
	case k.Type == List:
		return "list of " + typeText(*k.Elem)
	case k.Type == Dict:
		return "name: " + typeText(*k.Elem)
	case k.Max != 0 && k.Type == Int:
		return fmt.Sprintf("integer %d–%d", k.Min, k.Max)
	case k.Max != 0 && k.Type == Duration:
		return fmt.Sprintf("duration %v–%v", time.Duration(k.Min), time.Duration(k.Max))
	}
	return k.Type.String()
}

func defaultText(k Key) string {
	if k.Required {
		return "required"
	}
	return code(k.Default)
}

func reloadText(k Key) string {
	r := k.Reloads()
	if len(r) > 1 {
		return "see below"
	}
	return string(r[0])
}

func code(s string) string {
	if s == "" {
		return ""
	}
	tick := "`"
	if strings.Contains(s, "`") {
		tick = "``"
	}
	return tick + cell(s) + tick
}

// cell escapes a text for one cell of a Markdown table.
func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "\n", " ")
}
