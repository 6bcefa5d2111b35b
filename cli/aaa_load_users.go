package cli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ringback/ringback/aaa"
)

// loadUser is one of those who log in.
type loadUser struct {
	name     string
	password aaa.Secret
}

// maxLoadFile bounds the files that are read here, in octets.
const maxLoadFile = 64 << 20

// logins has who is to log in, by the flags; one user at least.
func (f *loadFlags) logins() ([]loadUser, error) {
	if f.csv == "" {
		password, err := readSecretFile(f.password)
		if err != nil {
			return nil, err
		}
		return []loadUser{{f.user, password}}, nil
	}
	file, err := os.Open(f.csv)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	users, err := readLoadUsers(io.LimitReader(file, maxLoadFile))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.csv, err)
	}
	return users, nil
}

// readLoadUsers reads lines of user,password (RFC 4180: quote what has a comma). Lines that begin with # are comments. An error names the line and
// shows no password.
func readLoadUsers(r io.Reader) ([]loadUser, error) {
	in := csv.NewReader(r)
	in.Comment, in.FieldsPerRecord = '#', -1
	var users []loadUser
	for {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("not a file of user,password lines: %w", err)
		}
		line, _ := in.FieldPos(0)
		if len(fields) != 2 || fields[0] == "" {
			return nil, fmt.Errorf("line %d: not user,password (quote what has a comma: \"a,b\")", line)
		}
		users = append(users, loadUser{fields[0], aaa.Secret(fields[1])})
	}
	if len(users) == 0 {
		return nil, errors.New("nobody stands in it: write user,password, a line each")
	}
	return users, nil
}

// readSecretFile reads a file that holds a secret alone, on one line.
func readSecretFile(path string) (aaa.Secret, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if text == "" || strings.ContainsAny(text, "\n\r\x00") {
		return "", fmt.Errorf("%s: must hold the secret alone, on one line", path)
	}
	return aaa.Secret(text), nil
}
