package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/load"
)

// maxLoadFile is the maximum size of the files read here, in octets.
const maxLoadFile = 64 << 20

// logins returns the users to log in, as the flags say; one at least.
func (f *loadFlags) logins(ctx context.Context) ([]load.User, error) {
	if f.csv == "" {
		password, err := readSecretFile(ctx, f.password)
		if err != nil {
			return nil, err
		}
		return []load.User{{Name: f.user, Password: password}}, nil
	}
	file, err := openInput(ctx, f.csv)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	users, err := load.ReadUsers(io.LimitReader(file, maxLoadFile))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.csv, err)
	}
	return users, nil
}

// readSecretFile reads a file that contains only a secret, on one line.
func readSecretFile(ctx context.Context, path string) (aaa.Secret, error) {
	data, err := readInput(ctx, path, maxLoadFile)
	if err != nil {
		return "", err
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if text == "" || strings.ContainsAny(text, "\n\r\x00") {
		return "", fmt.Errorf("%s: must contain only the secret, on one line", path)
	}
	return aaa.Secret(text), nil
}
