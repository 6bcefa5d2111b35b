-- +goose Up
CREATE SCHEMA IF NOT EXISTS ringback;

-- Texts that users or modems may have typed are bytea: they may have any octets. Times are in ns since 1970.
-- sum signs what the holder wrote when it promised or offered; mac signs sum and what changes, with the number of the
-- roll that the holder had when it wrote. ended_tx is the transaction that ended it.
CREATE TABLE ringback.callbacks (
	id text COLLATE "C" PRIMARY KEY,
	entry bytea NOT NULL,
	username bytea NOT NULL,
	folded bytea NOT NULL, -- username as all its spellings have it
	home text COLLATE "C" NOT NULL,
	rotary integer NOT NULL,
	shared boolean NOT NULL,
	format integer NOT NULL,
	max integer NOT NULL,
	created bigint NOT NULL,
	reservation bytea NOT NULL,
	body bytea NOT NULL,
	sum bytea NOT NULL,
	holder text COLLATE "C" NOT NULL,
	epoch bigint NOT NULL,
	offered boolean NOT NULL,
	attempts integer NOT NULL,
	open integer NOT NULL,
	ended bigint,
	outcome text NOT NULL DEFAULT '',
	cause bytea NOT NULL DEFAULT '',
	settled boolean NOT NULL DEFAULT false,
	roll bigint NOT NULL DEFAULT 0,
	ended_tx bigint,
	mac bytea NOT NULL
) WITH (fillfactor = 70, toast_tuple_target = 256);
-- A body is written once, and not again with each change of the other columns.
ALTER TABLE ringback.callbacks ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX callbacks_pending ON ringback.callbacks (entry, folded) WHERE ended IS NULL;
CREATE INDEX callbacks_offered ON ringback.callbacks (rotary, created, id) WHERE offered AND ended IS NULL;
CREATE INDEX callbacks_held ON ringback.callbacks (holder, created, id) WHERE ended IS NULL;
CREATE INDEX callbacks_unsettled ON ringback.callbacks (holder) WHERE ended IS NOT NULL AND NOT settled;
CREATE INDEX callbacks_created ON ringback.callbacks (created, id);
CREATE INDEX callbacks_ended ON ringback.callbacks (ended) WHERE ended IS NOT NULL;
CREATE INDEX callbacks_ended_tx ON ringback.callbacks (ended_tx) WHERE ended_tx IS NOT NULL;

-- mac signs the attempt as it was begun, end_mac how it ended. tx is the transaction that began it.
CREATE TABLE ringback.attempts (
	callback text COLLATE "C" NOT NULL,
	n integer NOT NULL,
	node text COLLATE "C" NOT NULL,
	epoch bigint NOT NULL,
	body bytea NOT NULL,
	mac bytea NOT NULL,
	outcome bytea,
	end_mac bytea,
	tx bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
	PRIMARY KEY (callback, n)
) WITH (fillfactor = 80);
CREATE INDEX attempts_tx ON ringback.attempts (tx);

-- The trace of a node on a callback.
CREATE TABLE ringback.steps (
	callback text COLLATE "C" NOT NULL,
	node text COLLATE "C" NOT NULL,
	epoch bigint NOT NULL,
	trace bytea NOT NULL,
	mac bytea NOT NULL,
	PRIMARY KEY (callback, node, epoch)
);

-- An account that all callbacks charge has several stripes, each with a part of its limits.
CREATE TABLE ringback.accounts (
	scope text COLLATE "C" NOT NULL,
	key bytea NOT NULL,
	stripe smallint NOT NULL,
	body bytea NOT NULL,
	mac bytea NOT NULL,
	PRIMARY KEY (scope, key, stripe)
) WITH (fillfactor = 50);

-- locked locks rows of accounts, in the order of the names, and returns them; ensure: missing ones are made.
-- +goose StatementBegin
CREATE FUNCTION ringback.locked(scopes text[], keys bytea[], stripes smallint[], ensure boolean)
RETURNS SETOF ringback.accounts LANGUAGE plpgsql AS $$
DECLARE
	here ringback.accounts;
BEGIN
	FOR i IN 1 .. cardinality(scopes) LOOP
		SELECT * INTO here FROM ringback.accounts a
			WHERE a.scope = scopes[i] AND a.key = keys[i] AND a.stripe = stripes[i] FOR UPDATE;
		IF NOT FOUND AND ensure THEN
			INSERT INTO ringback.accounts VALUES (scopes[i], keys[i], stripes[i], '', '') ON CONFLICT DO NOTHING;
			SELECT * INTO here FROM ringback.accounts a
				WHERE a.scope = scopes[i] AND a.key = keys[i] AND a.stripe = stripes[i] FOR UPDATE;
		END IF;
		IF FOUND THEN
			RETURN NEXT here;
		END IF;
	END LOOP;
END $$;
-- +goose StatementEnd

-- restore puts back what a transaction has written of accounts that were not all as its node knew them: the first ones,
-- as many as ringback.charged says. It returns all of them as they are. A row without a signature was missing.
-- +goose StatementBegin
CREATE FUNCTION ringback.restore(scopes text[], keys bytea[], stripes smallint[], bodies bytea[], macs bytea[])
RETURNS SETOF ringback.accounts LANGUAGE plpgsql AS $$
DECLARE
	written integer := coalesce(nullif(current_setting('ringback.charged', true), ''), '0');
BEGIN
	FOR i IN 1 .. cardinality(scopes) LOOP
		IF i <= written AND macs[i] IS NULL THEN
			DELETE FROM ringback.accounts a
				WHERE a.scope = scopes[i] AND a.key = keys[i] AND a.stripe = stripes[i];
		ELSIF i <= written THEN
			UPDATE ringback.accounts a SET body = bodies[i], mac = macs[i]
				WHERE a.scope = scopes[i] AND a.key = keys[i] AND a.stripe = stripes[i];
		END IF;
		RETURN QUERY SELECT * FROM ringback.accounts a
			WHERE a.scope = scopes[i] AND a.key = keys[i] AND a.stripe = stripes[i];
	END LOOP;
END $$;
-- +goose StatementEnd

-- What a node may promise while it cannot ask.
CREATE TABLE ringback.reserves (
	node text COLLATE "C" PRIMARY KEY,
	body bytea NOT NULL,
	mac bytea NOT NULL
);

-- beat counts the heartbeats, pace is the time between two in ns; timeline is the server with which it has resumed last.
-- watch is a random number that the node draws when it begins to watch what others attempt and end.
CREATE TABLE ringback.nodes (
	name text COLLATE "C" PRIMARY KEY,
	incarnation text NOT NULL,
	journal_id text NOT NULL,
	state text NOT NULL,
	version text NOT NULL,
	format integer NOT NULL,
	digests text NOT NULL,
	beat bigint NOT NULL DEFAULT 0,
	pace bigint NOT NULL,
	timeline text NOT NULL DEFAULT '',
	drained text NOT NULL DEFAULT '',
	since bigint NOT NULL,
	watch bigint NOT NULL DEFAULT 0,
	mac bytea NOT NULL
) WITH (fillfactor = 50);

-- The roll of a node: the watches of others that it has seen. The roll of a row tells what its holder had seen.
CREATE TABLE ringback.rolls (
	node text COLLATE "C" PRIMARY KEY,
	roll bigint NOT NULL,
	watches bytea NOT NULL,
	mac bytea NOT NULL
);

CREATE TABLE ringback.orders (
	seq bigserial PRIMARY KEY,
	node text COLLATE "C" NOT NULL,
	verb text NOT NULL,
	callback text NOT NULL,
	args bytea NOT NULL,
	who bytea NOT NULL,
	text bytea NOT NULL,
	made bigint NOT NULL,
	mac bytea NOT NULL
);

-- The nodes that an order is for; result is NULL until the node has carried it out.
CREATE TABLE ringback.confirmations (
	seq bigint NOT NULL REFERENCES ringback.orders ON DELETE CASCADE,
	node text COLLATE "C" NOT NULL,
	result bytea,
	mac bytea,
	PRIMARY KEY (seq, node)
);
CREATE INDEX confirmations_waiting ON ringback.confirmations (node) WHERE result IS NULL;

-- Callbacks that a node held, and that others took or ended.
CREATE TABLE ringback.notices (
	seq bigserial PRIMARY KEY,
	node text COLLATE "C" NOT NULL,
	callback text COLLATE "C" NOT NULL
);
CREATE INDEX notices_node ON ringback.notices (node, seq);

-- A copy of each node's audit chain.
CREATE TABLE ringback.audit (
	node text COLLATE "C" NOT NULL,
	journal_id text NOT NULL,
	seq bigint NOT NULL,
	time bigint NOT NULL,
	kind bytea NOT NULL,
	who bytea NOT NULL,
	text bytea NOT NULL,
	prev_hash bytea NOT NULL,
	hash bytea NOT NULL,
	digest bytea NOT NULL,
	mac bytea NOT NULL,
	PRIMARY KEY (node, journal_id, seq)
);

-- Facts about the fleet, such as which key signs its rows.
CREATE TABLE ringback.marks (
	name text PRIMARY KEY,
	value bytea NOT NULL
);

-- +goose Down
DROP SCHEMA ringback CASCADE;
