package load

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"

	"github.com/ringback/ringback/aaa"
)

// User is one user that logs in.
type User struct {
	Name     string
	Password aaa.Secret
}

// ReadUsers reads lines of user,password (RFC 4180: quote a value with a comma). Lines that begin with # are comments.
// An error names the line and shows no password.
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
			return nil, fmt.Errorf("expected lines of user,password: %w", err)
		}
		line, _ := in.FieldPos(0)
		if len(fields) != 2 || fields[0] == "" {
			return nil, fmt.Errorf("line %d: expected user,password (quote a value with a comma: \"a,b\")", line)
		}
		users = append(users, User{fields[0], aaa.Secret(fields[1])})
	}
	if len(users) == 0 {
		return nil, errors.New("no users: write one user,password per line")
	}
	return users, nil
}
