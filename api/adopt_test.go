package api

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestAdopt: a socket of systemd is used if exactly the users of the configuration may connect to it.
func TestAdopt(t *testing.T) {
	group := ownGroup(t)
	other := &user.Group{Gid: group.Gid + "1", Name: "others"}
	for _, tt := range []struct {
		mode  fs.FileMode
		group *user.Group
		want  string
	}{
		{0o600, nil, ""},
		{0o660, group, ""},
		{0o660, nil, "api.group is not set (SocketMode=0600"},
		{0o666, group, "any user may connect"},
		{0o602, nil, "any user may connect"},
		{0o600, group, "group operators of api.group may not connect"},
		{0o660, other, "group others of api.group may not connect"},
	} {
		path := filepath.Join(shortDir(t, 0o755), "s")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		gid, _ := strconv.Atoi(group.Gid)
		if err := os.Lchown(path, -1, gid); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, tt.mode); err != nil {
			t.Fatal(err)
		}
		adopted, err := Adopt(l, path, tt.group)
		if text := fmt.Sprint(err); (err == nil) != (tt.want == "") || !strings.Contains(text, tt.want) {
			t.Errorf("mode %04o, api.group %v: %v, want %q", tt.mode, tt.group, err, tt.want)
		}
		if err == nil {
			adopted.Close()
		} else if _, err := net.Dial("unix", path); err == nil {
			t.Errorf("mode %04o: a socket that is not used stays open", tt.mode)
		}
	}
}

// TestAdoptElsewhere: clients look for the socket at api.socket.
func TestAdoptElsewhere(t *testing.T) {
	path := filepath.Join(shortDir(t, 0o755), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Adopt(l, path+"2", nil); err == nil || !strings.Contains(err.Error(), "it is at "+path+
		", and api.socket is "+path+"2") {
		t.Error(err)
	}
	l, err = net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Adopt(l, l.Addr().String(), nil); err == nil {
		t.Error("a TCP socket is used as the admin socket")
	}
}
