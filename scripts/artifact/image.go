package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The media types of the OCI image specification 1.1.
const (
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeConfig   = "application/vnd.oci.image.config.v1+json"
	typeLayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// imageUser is the user of the image, as that of images without a distribution by custom.
const imageUser = 65532

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	Variant      string `json:"variant,omitempty"`
}

// platforms are the architectures of scripts/dist.
var platforms = map[string]platform{
	"amd64": {Architecture: "amd64", OS: "linux"},
	"arm64": {Architecture: "arm64", OS: "linux", Variant: "v8"},
	"armv7": {Architecture: "arm", OS: "linux", Variant: "v7"},
}

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    *platform         `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	Config        descriptor        `json:"config"`
	Layers        []descriptor      `json:"layers"`
	Annotations   map[string]string `json:"annotations"`
}

type index struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	Manifests     []descriptor      `json:"manifests"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

type imageConfig struct {
	Created string `json:"created"`
	platform
	Config  runConfig `json:"config"`
	RootFS  rootFS    `json:"rootfs"`
	History []history `json:"history"`
}

type runConfig struct {
	User       string              `json:"User"`
	Env        []string            `json:"Env"`
	Entrypoint []string            `json:"Entrypoint"`
	Cmd        []string            `json:"Cmd"`
	Volumes    map[string]struct{} `json:"Volumes"`
	WorkingDir string              `json:"WorkingDir"`
	Labels     map[string]string   `json:"Labels"`
	StopSignal string              `json:"StopSignal"`
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

type history struct {
	Created   string `json:"created"`
	CreatedBy string `json:"created_by"`
}

// layout collects the blobs of an image layout.
type layout struct {
	blobs map[string][]byte // by digest
}

func (l *layout) add(mediaType string, data []byte) descriptor {
	digest := digestOf(data)
	l.blobs[digest] = data
	return descriptor{MediaType: mediaType, Digest: digest, Size: len(data)}
}

func (l *layout) addJSON(mediaType string, v any) (descriptor, error) {
	data, err := json.Marshal(v)
	return l.add(mediaType, data), err
}

func digestOf(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }

// image writes an image layout as a tar archive: an index of an image for each architecture, which has the binary, a
// user, the configuration of dir and the directories that the daemon writes. binaries are ARCH=FILE.
func (r release) image(path, dir string, binaries []string) error {
	yaml, err := os.ReadFile(filepath.Join(dir, "ringback.yaml"))
	if err != nil {
		return err
	}
	l := layout{blobs: map[string][]byte{}}
	all := index{SchemaVersion: 2, MediaType: typeIndex, Annotations: r.annotations()}
	for _, b := range binaries {
		arch, file, _ := strings.Cut(b, "=")
		p, ok := platforms[arch]
		if !ok {
			return fmt.Errorf("%q: unknown architecture", b)
		}
		program, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		d, err := r.platformImage(&l, p, program, yaml)
		if err != nil {
			return fmt.Errorf("image for %s: %w", arch, err)
		}
		all.Manifests = append(all.Manifests, d)
	}
	named, err := l.addJSON(typeIndex, all)
	if err != nil {
		return err
	}
	named.Annotations = map[string]string{"org.opencontainers.image.ref.name": r.version,
		"io.containerd.image.name": "localhost/ringback:" + r.version} // podman load and containerd call it so
	top, err := json.Marshal(index{SchemaVersion: 2, MediaType: typeIndex, Manifests: []descriptor{named}})
	if err != nil {
		return err
	}
	files := []file{
		{name: "oci-layout", mode: 0o644, data: []byte(`{"imageLayoutVersion":"1.0.0"}`)},
		{name: "index.json", mode: 0o644, data: top},
		{name: "blobs/", mode: 0o755}, {name: "blobs/sha256/", mode: 0o755},
	}
	for digest, data := range l.blobs {
		name := "blobs/sha256/" + strings.TrimPrefix(digest, "sha256:")
		files = append(files, file{name: name, mode: 0o644, data: data})
	}
	archive, err := tarOf(files, r.date)
	if err != nil {
		return err
	}
	return write(path, archive)
}

func (r release) platformImage(l *layout, p platform, program, yaml []byte) (descriptor, error) {
	owned := func(name string) file { return file{name: name, mode: 0o700, id: imageUser} }
	layer, err := tarOf([]file{
		{name: "etc/", mode: 0o755},
		{name: "etc/group", mode: 0o644, data: []byte("root:x:0:\nringback:x:65532:\n")},
		{name: "etc/passwd", mode: 0o644, data: []byte("root:x:0:0:root:/:/nonexistent\n" +
			"ringback:x:65532:65532:ringback:/var/lib/ringback:/nonexistent\n")},
		{name: "etc/ringback/", mode: 0o755},
		{name: "etc/ringback/ringback.yaml", mode: 0o644, data: yaml},
		owned("run/ringback/"), owned("tmp/"), owned("var/lib/ringback/"),
		{name: "run/", mode: 0o755}, {name: "usr/", mode: 0o755}, {name: "usr/bin/", mode: 0o755},
		{name: "usr/bin/ringback", mode: 0o755, data: program},
		{name: "var/", mode: 0o755}, {name: "var/lib/", mode: 0o755},
	}, r.date)
	if err != nil {
		return descriptor{}, err
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return descriptor{}, err
	}
	if _, err := w.Write(layer); err != nil {
		return descriptor{}, err
	}
	if err := w.Close(); err != nil {
		return descriptor{}, err
	}
	created := r.date.Format(time.RFC3339)
	config, err := l.addJSON(typeConfig, imageConfig{
		Created: created, platform: p,
		Config: runConfig{
			User: fmt.Sprintf("%d:%[1]d", imageUser), Env: []string{"PATH=/usr/bin"},
			Entrypoint: []string{"/usr/bin/ringback"}, Cmd: []string{"serve", "-c", "/etc/ringback/ringback.yaml"},
			Volumes: map[string]struct{}{"/var/lib/ringback": {}}, WorkingDir: "/var/lib/ringback",
			Labels: r.annotations(), StopSignal: "SIGTERM",
		},
		RootFS:  rootFS{Type: "layers", DiffIDs: []string{digestOf(layer)}},
		History: []history{{Created: created, CreatedBy: "scripts/dist"}},
	})
	if err != nil {
		return descriptor{}, err
	}
	d, err := l.addJSON(typeManifest, manifest{SchemaVersion: 2, MediaType: typeManifest, Config: config,
		Layers: []descriptor{l.add(typeLayer, packed.Bytes())}, Annotations: r.annotations()})
	d.Platform = &p
	return d, err
}

func (r release) annotations() map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":       "ringback",
		"org.opencontainers.image.description": "callback broker for modems",
		"org.opencontainers.image.version":     r.version,
		"org.opencontainers.image.revision":    r.revision,
		"org.opencontainers.image.created":     r.date.Format(time.RFC3339),
		"org.opencontainers.image.licenses":    "Apache-2.0",
		"org.opencontainers.image.source":      "https://github.com/ringback/ringback",
	}
}

// file is an entry of an archive; a name that ends with / is a directory.
type file struct {
	name string
	mode int64
	id   int // user and group
	data []byte
}

// tarOf returns an archive of the files in the order of their names, so that a directory comes before what is in it.
func tarOf(files []file, date time.Time) ([]byte, error) {
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Uid: f.id, Gid: f.id, ModTime: date,
			Size: int64(len(f.data)), Format: tar.FormatUSTAR}
		if strings.HasSuffix(f.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}
