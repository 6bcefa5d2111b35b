package ios

import (
	"fmt"
	"strings"

	"github.com/ringback/ringback/importer"
)

// setBy is what a command has set, by the words that undo it: `username kim` in the block nil, `callback forced-wait`
// in a block of lines.
type setBy struct {
	block any // *lineBlock, *iface, *serverGroup, *server; nil: none; a mode: any of its blocks
	words string
}

// block is the block that is read.
func (p *parser) block() any {
	switch {
	case p.onLine != nil:
		return p.onLine
	case p.onIf != nil:
		return p.onIf
	case p.onGroup != nil:
		return p.onGroup
	case p.onHost != nil:
		return p.onHost
	}
	return nil
}

// undoWords are the words that undo a command: its own, and its first argument if it has one.
func (pt pattern) undoWords(words []word) (all []string) {
	for _, w := range words[:min(len(words), len(pt.literals)+min(pt.args, 1))] {
		all = append(all, strings.ToLower(w.text))
	}
	return all
}

// did notes what a command of the tables sets.
func (p *parser) did(pt pattern, in *input) {
	var block any
	if pt.mode != global {
		block = p.block()
	}
	words := pt.undoWords(in.words)
	for i := range words {
		text := strings.Join(words[:i+1], " ")
		p.sets[setBy{block, text}], p.sets[setBy{pt.mode, text}] = in.row, in.row
	}
}

// undoes rejects a `no` or `default` of what a line before it sets: a router prints one of the two.
func (p *parser) undoes(pt pattern, in *input) error {
	words := in.words[1:]
	if len(words) == 0 {
		return nil
	}
	var block any
	if pt.mode != global {
		block = p.block()
	}
	undone := pattern{literals: make([][]string, len(words))} // of what the import does nothing with, all words
	if known, ok := find(pt.mode, words); ok && known.do != nil {
		undone = known
	}
	text := strings.Join(undone.undoWords(words), " ")
	row, found := p.sets[setBy{block, text}]
	_, anywhere := p.sets[setBy{pt.mode, text}]
	if lines, ok := block.(*lineBlock); ok && !found && anywhere {
		for _, b := range p.blocks {
			if b.kind == lines.kind && b.first <= lines.last && lines.first <= b.last && !found {
				row, found = p.sets[setBy{b, text}]
			}
		}
	}
	if !found {
		return nil
	}
	return &importer.Error{Line: in.line, Msg: fmt.Sprintf("it turns off what line %d sets", p.rows[row].Line),
		Want: "a text that has only what applies, as `show running-config` writes it",
		Hint: "remove both lines, or " + hintRunning}
}
