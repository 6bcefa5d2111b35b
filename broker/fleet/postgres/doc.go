// Package postgres is the authority of a fleet over PostgreSQL (15 or later). Its engine is PostgreSQL's commits, row
// locks and replication.
//
// # Rules
//
//   - Nothing here blocks on a server that does not answer for longer than the time limit of an operation.
//   - A transaction counts as committed only if the server said so without a warning: a COMMIT whose wait for the
//     standby was canceled is not durable.
//   - No decision uses a clock of a server or another node.
//   - Every row that is acted on is signed with the fleet's key. A row that does not verify is counted and left alone.
//   - A row of another node is taken only if it was written since this node watches (rolls.go), and if the feed knows
//     of no later attempt or end (feed.go).
//   - All names are qualified with the schema ringback. Nothing needs the state of a session: PgBouncer in transaction
//     mode works. Statements are prepared if the process of the server that answers is the one of the session.
//   - What this process remembers of a row decides nothing: a change is made only if the row is still so.
//
// # What an idle node asks
//
// With a takeover of 15 s a node sends a heartbeat each 1.5 s, which also reads the beats of all nodes, and a look for
// changes each 5 s, in three statements. With the looks at the server's settings each minute, and for what has arrived
// late each 30 s, that is less than two statements a second, however many callbacks the node holds. A node has at most
// Options.Connections connections for operations, one for heartbeats, and one on which it is notified of changes.
package postgres
