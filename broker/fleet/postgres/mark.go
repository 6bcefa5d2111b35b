package postgres

import (
	"context"
	"encoding/hex"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
)

// anotherKey is what operators of a node with another key do.
const anotherKey = "copy fleet.key (fleet.key_file) of the other nodes to this one, and restart it"

// mark is the fleet's mark of a key: a node whose key has another mark cannot verify the rows of the others, nor they
// its rows.
func (k keys) mark() []byte { return k.sum(k.begin("marks").text("key")) }

// sameKey returns nil if this node has the fleet's key. The first node that joins decides it.
func (a *Authority) sameKey(ctx context.Context, tx pgx.Tx) error {
	mine := a.keys.mark()
	_, err := tx.Exec(ctx, `INSERT INTO ringback.marks (name, value) VALUES ('key', $1) ON CONFLICT (name) DO NOTHING`,
		mine)
	if err != nil {
		return err
	}
	var same bool
	err = tx.QueryRow(ctx, `SELECT value = $1 FROM ringback.marks WHERE name = 'key'`, mine).Scan(&same)
	if err == nil && !same {
		err = &fault{kind: fleet.ErrNotMember, text: "it has another key than the fleet: " + anotherKey}
	}
	return err
}

// key finds out whether the key of the configuration is the fleet's.
func (k *checker) key() {
	have, err := k.value(`coalesce((SELECT encode(value, 'hex') FROM ringback.marks WHERE name = 'key'), '')`)
	switch {
	case err != nil:
		k.add("key", Fail, faultText(err), "run 'ringback fleet migrate'")
	case have == "":
		k.add("key", OK, "no node has joined yet: the key of the first one is the fleet's", "")
	case have != hex.EncodeToString(newKeys(k.opt.Key).mark()):
		k.add("key", Fail, "this node has another key than the fleet", anotherKey)
	default:
		k.add("key", OK, "the fleet's", "")
	}
}
