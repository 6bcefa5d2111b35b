package postgres

import "embed"

// migrations are the schema, in the order of their versions.
//
//go:embed schema/*.sql
var migrations embed.FS
