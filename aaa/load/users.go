package load

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"

	"github.com/ringback/ringback/aaa"
)

// User is one of those who log in.
type User struct {
	Name     string
	Password aaa.Secret
}

// ReadUsers reads lines of user,password (RFC 4180: quote what has a comma). Lines that begin with # are comments. An
// error names the line and shows no password.
func ReadUsers(r io.Reader) ([]User, error) {
	in := csv.NewReader(r)
	in.Comment, in.FieldsPerRecord = '#', -1
	var users []User
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
		users = append(users, User{fields[0], aaa.Secret(fields[1])})
	}
	if len(users) == 0 {
		return nil, errors.New("nobody stands in it: write user,password, a line each")
	}
	return users, nil
}
