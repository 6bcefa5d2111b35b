package main

import (
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// bom is a CycloneDX 1.6 document.
type bom struct {
	Schema      string      `json:"$schema"`
	Format      string      `json:"bomFormat"`
	SpecVersion string      `json:"specVersion"`
	Serial      string      `json:"serialNumber"`
	Version     int         `json:"version"`
	Metadata    metadata    `json:"metadata"`
	Components  []component `json:"components"`
	// DependsOn has the modules in each binary; a binary does not record which module needs which.
	DependsOn []dependency `json:"dependencies"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type       string      `json:"type"`
	Ref        string      `json:"bom-ref"`
	Name       string      `json:"name"`
	Version    string      `json:"version,omitempty"`
	PURL       string      `json:"purl,omitempty"`
	Hashes     []hash      `json:"hashes,omitempty"`
	Licenses   []license   `json:"licenses,omitempty"`
	Properties []property  `json:"properties,omitempty"`
	Components []component `json:"components,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type license struct {
	License struct {
		ID string `json:"id"`
	} `json:"license"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref string   `json:"ref"`
	On  []string `json:"dependsOn,omitempty"`
}

// sbom writes what is in the binaries, by what the linker has recorded there: the modules with their versions and
// checksums, and the release of Go with its standard library.
func (r release) sbom(path string, binaries []string) error {
	const self = "pkg:golang/github.com/ringback/ringback"
	apache := license{}
	apache.License.ID = "Apache-2.0"
	doc := bom{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", SpecVersion: "1.6", Version: 1,
		Metadata: metadata{Timestamp: r.date.Format(time.RFC3339), Component: component{Type: "application",
			Ref: self, Name: "ringback", Version: r.version,
			PURL:       self + "@v" + strings.ReplaceAll(r.version, "+", "%2B"),
			Licenses:   []license{apache},
			Properties: []property{{"revision", r.revision}}}},
	}
	modules := map[string]component{}
	for _, binary := range binaries {
		info, err := buildinfo.ReadFile(binary)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(binary)
		if err != nil {
			return err
		}
		name := filepath.Base(binary)
		b := component{Type: "file", Ref: "file:" + name, Name: name,
			Hashes: []hash{{"SHA-256", fmt.Sprintf("%x", sha256.Sum256(data))}}, Properties: settings(info)}
		doc.Metadata.Component.Components = append(doc.Metadata.Component.Components, b)
		goRelease := strings.TrimPrefix(strings.Fields(info.GoVersion)[0], "go")
		std := component{Type: "library", Ref: "pkg:golang/std@" + goRelease, Name: "std", Version: goRelease,
			PURL: "pkg:golang/std@" + goRelease}
		modules[std.Ref] = std
		in := dependency{Ref: b.Ref, On: []string{std.Ref}}
		for _, m := range info.Deps {
			c, err := moduleOf(m)
			if err != nil {
				return fmt.Errorf("%s: %w", binary, err)
			}
			modules[c.Ref] = c
			in.On = append(in.On, c.Ref)
		}
		slices.Sort(in.On)
		doc.DependsOn = append(doc.DependsOn, in)
	}
	for _, c := range modules {
		doc.Components = append(doc.Components, c)
	}
	slices.SortFunc(doc.Components, func(a, b component) int { return cmp.Compare(a.Ref, b.Ref) })
	content, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	doc.Serial = "urn:uuid:" + uuidOf(content)
	content, err = json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	return write(path, append(content, '\n'))
}

// moduleOf describes a module; one that go.mod replaces is what replaces it.
func moduleOf(m *debug.Module) (component, error) {
	if m.Replace != nil {
		m = m.Replace
	}
	purl := "pkg:golang/" + m.Path + "@" + strings.ReplaceAll(m.Version, "+", "%2B")
	c := component{Type: "library", Ref: purl, Name: m.Path, Version: m.Version, PURL: purl}
	sum, ok := strings.CutPrefix(m.Sum, "h1:") // the SHA-256 of a list of the module's files: not that of a file
	if raw, err := base64.StdEncoding.DecodeString(sum); !ok || err != nil || len(raw) != sha256.Size {
		return c, fmt.Errorf("module %s has the checksum %q", m.Path, m.Sum)
	}
	c.Properties = []property{{"go.sum", m.Sum}}
	return c, nil
}

// settings are how a binary was built.
func settings(info *debug.BuildInfo) (all []property) {
	for _, s := range info.Settings {
		switch s.Key {
		case "GOOS", "GOARCH", "GOAMD64", "GOARM64", "GOARM", "CGO_ENABLED", "-trimpath":
			all = append(all, property{s.Key, s.Value})
		}
	}
	return all
}

// uuidOf returns a UUID (version 8, RFC 9562) that depends on the content alone.
func uuidOf(content []byte) string {
	sum := sha256.Sum256(content)
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	h := hex.EncodeToString(sum[:16])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}
