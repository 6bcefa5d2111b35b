package e2e

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// releases are the releases that the tests of this process have built, by version.
var releases sync.Map

// release is the directory of a release of the version for this machine, which scripts/dist builds once. The test is
// skipped if nfpm cannot be had: it is a module that only scripts/dist uses.
func release(t *testing.T, version string) string {
	t.Helper()
	build, _ := releases.LoadOrStore(version, sync.OnceValues(func() (string, error) {
		dir, err := os.MkdirTemp("", "release")
		if err != nil {
			return "", err
		}
		return dir, dist(version, dir)
	}))
	dir, err := build.(func() (string, error))()
	if err != nil {
		skipPeer(t, "scripts/dist: %v", err)
	}
	return dir
}

// dist builds a release; the command runs scripts/dist.
func dist(version, dir string, command ...string) error {
	command = append(command, "../scripts/dist", "--version", version, "--out", dir, "--arch", runtime.GOARCH)
	c := exec.Command(command[0], command[1:]...)
	c.Env = append(os.Environ(), "REVISION=0123456789abcdef", "SOURCE_DATE_EPOCH=1790000000")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// elsewhere runs a command with another umask, time zone and language, and on a machine with another name.
func elsewhere(t *testing.T) []string {
	t.Helper()
	other := []string{needs(t, "unshare", "util-linux"), "--user", "--map-user=1000", "--map-group=1000", "--keep-caps",
		"--uts"}
	if out, err := exec.Command(other[0], append(other[1:], "true")...).CombinedOutput(); err != nil {
		skipPeer(t, "no user namespaces: %v\n%s", err, out)
	}
	return append(other, "env", "TZ=Asia/Kathmandu", "LC_ALL=C.UTF-8", "GOFLAGS=-buildvcs=true", "USER=someone",
		"sh", "-c", `umask 077; hostname elsewhere && exec "$@"`, "sh")
}

// TestPeerDist: a release has a version everywhere, its checksums are right, and a second build, elsewhere, has the
// same octets.
func TestPeerDist(t *testing.T) {
	t.Parallel()
	needs(t, "dpkg-deb", "dpkg")
	needs(t, "rpm", "rpm")
	const version = "1.0.0"
	dir := release(t, version)
	runHere(t, dir, "sha256sum", "--check", "--strict", "SHA256SUMS")
	again := t.TempDir()
	if err := dist(version, again, elsewhere(t)...); err != nil {
		t.Fatal(err)
	}
	if first, second := readFile(t, dir+"/SHA256SUMS"), readFile(t, again+"/SHA256SUMS"); first != second {
		t.Errorf("two builds differ:\n%s\n%s", first, second)
	}
	binary := filepath.Join(dir, "ringback-"+version+"-linux-"+runtime.GOARCH)
	rpm := only(t, dir, "*.rpm")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{binary, "version"}, "ringback 1.0.0, " + runtime.Version()},
		{[]string{"dpkg-deb", "--field", only(t, dir, "*.deb"), "Version"}, "1.0.0-1"},
		{[]string{"dpkg-deb", "--field", only(t, dir, "*.deb"), "Architecture"}, runtime.GOARCH},
		{[]string{"rpm", "-qp", "--nosignature", "--qf", "%{VERSION} %{RELEASE} %{OS}", rpm}, "1.0.0 1 linux"},
		{[]string{"rpm", "-K", "--nosignature", rpm}, "digests OK"},
		{[]string{"rpm", "-qpc", "--nosignature", rpm}, "/etc/ringback/ringback.yaml"},
		{[]string{"rpm", "-qp", "--nosignature", "--qf", "%{BUILDHOST}", rpm}, "ringback.invalid"},
		{[]string{"file", "-b", binary}, "statically linked"},
	} {
		if tt.args[0] == "file" {
			needs(t, "file", "file")
		}
		if out := runHere(t, ".", tt.args[0], tt.args[1:]...); !strings.Contains(out, tt.want) {
			t.Errorf("%s: %q, want %q", strings.Join(tt.args, " "), out, tt.want)
		}
	}
	// Development builds are before the release, and a later one is after an earlier one.
	for _, order := range [][3]string{
		{"0.0.0~dev.20260101000000.gabc-1", "lt", "0.0.0~dev.20260102000000.g123-1"},
		{"1.0.0~rc.1-1", "lt", "1.0.0-1"},
	} {
		runHere(t, ".", "dpkg", "--compare-versions", order[0], order[1], order[2])
	}
}

func only(t *testing.T, dir, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return found[0]
}

// TestPeerLintian: the package follows Debian's policy, except where packaging/lintian-overrides says why.
func TestPeerLintian(t *testing.T) {
	t.Parallel()
	lintian := needs(t, "lintian", "lintian")
	deb := only(t, release(t, "1.0.0"), "*.deb")
	out, err := exec.Command(lintian, "--allow-root", "--fail-on", "error,warning", deb).CombinedOutput()
	if err != nil || strings.Contains(string(out), ": ringback") {
		t.Errorf("lintian: %v\n%s", err, out)
	}
}

// TestPeerManPages: the pages have no mistake of markup.
func TestPeerManPages(t *testing.T) {
	t.Parallel()
	mandoc := needs(t, "mandoc", "mandoc")
	dir := t.TempDir()
	runHere(t, ".", "dpkg-deb", "--extract", only(t, release(t, "1.0.0"), "*.deb"), dir)
	pages, err := filepath.Glob(dir + "/usr/share/man/man1/*.gz")
	if err != nil || len(pages) < 50 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	runHere(t, dir, "gunzip", pages...)
	for i := range pages {
		pages[i] = strings.TrimSuffix(pages[i], ".gz")
	}
	if out, err := exec.Command(mandoc, append([]string{"-T", "lint", "-W", "warning"}, pages...)...).
		CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("mandoc: %v\n%s", err, out)
	}
	page := readFile(t, dir+"/usr/share/man/man1/ringback-cancel.1")
	if !strings.Contains(page, ".BR ringback\\-cancel\\-callback (1)\n") {
		t.Errorf("the page of a group does not name its commands:\n%s", page)
	}
}

// TestPeerImage: skopeo reads the image, and each blob is what its name says.
func TestPeerImage(t *testing.T) {
	t.Parallel()
	skopeo := needs(t, "skopeo", "skopeo")
	archive := filepath.Join(release(t, "1.0.0"), "ringback-1.0.0-oci.tar")
	var info struct {
		Os, Architecture, Created string
		Labels                    map[string]string
		Layers                    []string
	}
	data, err := exec.Command(skopeo, "inspect", "oci-archive:"+archive).Output()
	if err := errors.Join(err, json.Unmarshal(data, &info)); err != nil {
		t.Fatal(err)
	}
	if info.Os != "linux" || info.Architecture != runtime.GOARCH || len(info.Layers) != 1 ||
		info.Labels["org.opencontainers.image.version"] != "1.0.0" || info.Created != "2026-09-21T14:13:20Z" {
		t.Errorf("%+v", info)
	}
	copied := t.TempDir()
	runHere(t, ".", skopeo, "copy", "--quiet", "--preserve-digests", "oci-archive:"+archive, "dir:"+copied)
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	blobs := 0
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name, blob := strings.CutPrefix(h.Name, "blobs/sha256/")
		if !blob || name == "" {
			continue
		}
		blobs++
		sum := sha256.New()
		if _, err := io.Copy(sum, r); err != nil || fmt.Sprintf("%x", sum.Sum(nil)) != name {
			t.Errorf("blob %s: %x, %v", name, sum.Sum(nil), err)
		}
	}
	if blobs != 4 { // index, manifest, configuration, layer
		t.Errorf("%d blobs", blobs)
	}
}

// TestPeerSBOM: the list of what is in the binary is valid, and complete by `go version -m`.
func TestPeerSBOM(t *testing.T) {
	t.Parallel()
	dir := release(t, "1.0.0")
	c := exec.Command("go", "mod", "download", "-json", "github.com/CycloneDX/cyclonedx-go@v0.9.2")
	c.Dir = t.TempDir() // no module: go.mod does not need this one
	out, err := c.Output()
	var module struct{ Dir string }
	if err := errors.Join(err, json.Unmarshal(out, &module)); err != nil {
		skipPeer(t, "needs the schemas of CycloneDX, github.com/CycloneDX/cyclonedx-go: %v", err)
	}
	schemas := jsonschema.NewCompiler()
	for _, name := range []string{"spdx.schema.json", "jsf-0.82.schemax.json", "bom-1.6.schema.json"} {
		schema, err := jsonschema.UnmarshalJSON(strings.NewReader(readFile(t, module.Dir+"/schema/"+name)))
		if err != nil {
			t.Fatal(err)
		}
		id := schema.(map[string]any)["$id"].(string)
		if err := schemas.AddResource(id, schema); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := schemas.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	text := readFile(t, dir+"/ringback-1.0.0.cdx.json")
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(doc); err != nil {
		t.Error(err)
	}
	binary := "ringback-1.0.0-linux-" + runtime.GOARCH
	modules := 0
	for line := range strings.Lines(runHere(t, ".", "go", "version", "-m", filepath.Join(dir, binary))) {
		f := strings.Fields(line)
		if len(f) != 4 || f[0] != "dep" {
			continue
		}
		modules++
		if !strings.Contains(text, fmt.Sprintf("%q: %q", "purl", "pkg:golang/"+f[1]+"@"+
			strings.ReplaceAll(f[2], "+", "%2B"))) || !strings.Contains(text, f[3]) {
			t.Errorf("the document lacks %s %s", f[1], f[2])
		}
	}
	if modules < 20 {
		t.Errorf("%d modules", modules)
	}
	data, err := os.ReadFile(filepath.Join(dir, binary))
	if err != nil || !bytes.Contains([]byte(text), fmt.Appendf(nil, "%x", sha256.Sum256(data))) {
		t.Errorf("the document does not have the checksum of the binary: %v", err)
	}
}
