// Package condition compiles and evaluates the expressions of the policy key `when`, in CEL (cel.dev). An expression
// sees the variables of one table, has a few functions, and can cost only so much: a bound on that is proved when it is
// compiled and kept when it is evaluated. It is pure: there is no clock, no file and no state.
package condition

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// Limits of an expression.
const (
	MaxLength = 1000   // octets
	MaxCost   = 20_000 // units of CEL's cost model; one is about the comparison of two small values

	maxNodes   = 500
	maxDepth   = 24
	maxPattern = 200 // instructions of a regular expression
)

// Function is a row of the table of functions and operators.
type Function struct {
	Name string // as it is written
	Doc  string // Markdown sentences for the reference

	std    []string // as the standard library of CEL names it
	macros []string
}

// functions is the table of functions and operators. None of them makes a longer text or list, so that evaluation needs
// no more memory than the facts.
var functions = []Function{
	{Name: `== !=`, Doc: "Both sides have the same type.", std: []string{operators.Equals, operators.NotEquals}},
	{Name: `< <= > >=`, Doc: "Of integers and of texts, which are compared octet by octet.",
		std: []string{operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals}},
	{Name: `&& || !`, Doc: "And, or, not.",
		std: []string{operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot}},
	{Name: `CONDITION ? A : B`, Doc: "A if the condition is true, otherwise B.", std: []string{operators.Conditional}},
	{Name: `X in LIST`, Doc: "Whether X is an element: `weekday in [\"sat\", \"sun\"]`.", std: []string{operators.In}},
	{Name: `TEXT.startsWith(TEXT)`, Doc: "Also `endsWith` and `contains`.",
		std: []string{overloads.StartsWith, overloads.EndsWith, overloads.Contains}},
	{Name: `TEXT.matches("PATTERN")`, Doc: "Whether a regular expression (RE2) has a match; `^` and `$` are the ends of " +
		"the text.", std: []string{overloads.Matches}},
	{Name: `size(X)`, Doc: "Characters of a text, elements of a list.", std: []string{overloads.Size}},
	{Name: `LIST.exists(x, CONDITION)`, Doc: "Whether the condition is true for an element x.",
		macros: []string{operators.Exists}, std: []string{operators.NotStrictlyFalse}},
	{Name: `LIST.all(x, CONDITION)`, Doc: "Whether it is true for all elements; for those of an empty list it is.",
		macros: []string{operators.All}},
}

// Functions returns the table of functions and operators.
func Functions() []Function { return functions }

// Compiler compiles expressions. The zero value is ready; the environment is built for the first expression, so that a
// site without one does not pay for it. It is safe for concurrent use.
type Compiler struct {
	once sync.Once
	env  *cel.Env
	err  error
}

// Expression is a condition that was compiled. It is safe for concurrent use.
type Expression struct {
	program  cel.Program
	usesTime bool
}

func (c *Compiler) build() {
	std := env.NewLibrarySubset()
	for _, f := range functions {
		std.AddIncludedMacros(f.macros...)
		for _, name := range f.std {
			std.AddIncludedFunctions(env.NewFunction(name))
		}
	}
	options := []cel.EnvOption{
		cel.StdLib(cel.StdLibSubset(std)), cel.EagerlyValidateDeclarations(true),
		cel.ParserExpressionSizeLimit(MaxLength), cel.ParserRecursionLimit(maxDepth), cel.ParserErrorRecoveryLimit(4),
		cel.ExpressionNodeLimit(maxNodes), cel.RegexProgramSizeLimit(maxPattern),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateHomogeneousAggregateLiterals()),
	}
	for _, v := range variables {
		options = append(options, cel.Variable(v.Name, v.typ))
	}
	c.env, c.err = cel.NewCustomEnv(options...)
}

// Compile checks the syntax, the types and the cost of an expression. The error says what is wrong, and where if the
// expression is longer than a word.
func (c *Compiler) Compile(text string) (*Expression, error) {
	switch {
	case strings.TrimSpace(text) == "":
		return nil, errors.New("the expression is empty")
	case len(text) > MaxLength:
		return nil, fmt.Errorf("the expression has %d octets; the maximum is %d (write several)", len(text), MaxLength)
	}
	if c.once.Do(c.build); c.err != nil {
		return nil, c.err
	}
	checked, issues := c.env.Compile(text)
	if issues.Err() != nil {
		return nil, first(issues)
	}
	if t := checked.OutputType(); !t.IsExactType(types.BoolType) {
		return nil, fmt.Errorf(`the expression is %s, not true or false (write a comparison, such as user == "kim")`,
			plainType(t.String()))
	}
	root := ast.NavigateAST(checked.NativeRep())
	if len(ast.MatchDescendants(root, ast.KindMatcher(ast.StructKind))) > 0 {
		return nil, errors.New("an expression has no messages NAME{...} (compare variables with texts and integers)")
	}
	if err := literalPatterns(root); err != nil {
		return nil, err
	}
	if err := literalForms(root); err != nil {
		return nil, err
	}
	estimate, err := c.env.EstimateCost(checked, sizes{})
	if err != nil {
		return nil, err
	}
	if estimate.Max > MaxCost {
		return nil, fmt.Errorf("the expression can cost %d units; the maximum is %d (shorten its lists, or nest fewer "+
			"of all and exists)", estimate.Max, MaxCost)
	}
	program, err := c.env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(MaxCost))
	if err != nil {
		return nil, err
	}
	return &Expression{program, usesTime(root)}, nil
}

// literalPatterns rejects regular expressions that are not written in the expression: nobody else chooses one.
func literalPatterns(root ast.NavigableExpr) error {
	for _, call := range ast.MatchDescendants(root, ast.FunctionMatcher(overloads.Matches)) {
		args := call.AsCall().Args()
		if len(args) == 0 || args[len(args)-1].Kind() != ast.LiteralKind {
			return errors.New(`matches takes a pattern in quotes, no variable (write user.matches("PATTERN"))`)
		}
	}
	return nil
}

// endOfDay is a text that a time is compared with, but never is.
const endOfDay = "24:00"

// literalForms rejects comparisons of a variable with a text in quotes that it can never be. Such a condition would
// always or never be true, or be true at other times than its author meant: "7:00" is after "19:00".
func literalForms(root ast.NavigableExpr) error {
	for _, call := range ast.MatchDescendants(root, ast.KindMatcher(ast.CallKind)) {
		args := call.AsCall().Args()
		name := call.AsCall().FunctionName()
		ordered := slices.Contains(orderings, name)
		switch {
		case ordered, name == operators.Equals, name == operators.NotEquals:
			if err := literalForm(call, args[0], args[1], ordered); err != nil {
				return err
			}
			if err := literalForm(call, args[1], args[0], ordered); err != nil {
				return err
			}
		case name == operators.In && args[1].Kind() == ast.ListKind:
			for _, literal := range args[1].AsList().Elements() {
				if err := literalForm(call, args[0], literal, false); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

var orderings = []string{operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals}

// literalForm returns an error if ident is a variable that can never be literal. The call compares them.
func literalForm(call ast.NavigableExpr, ident, literal ast.Expr, ordered bool) error {
	if ident.Kind() != ast.IdentKind || literal.Kind() != ast.LiteralKind || local(call, ident.AsIdent()) {
		return nil
	}
	i := slices.IndexFunc(variables, func(v Variable) bool { return v.Name == ident.AsIdent() })
	s, isText := literal.AsLiteral().(types.String)
	if i < 0 || !isText || variables[i].form == nil || variables[i].form(string(s)) {
		return nil
	}
	if ordered && variables[i].Name == "time" && s == endOfDay {
		return nil
	}
	return fmt.Errorf("%s is never %.40q (write %s)", variables[i].Name, string(s), variables[i].values)
}

// local reports whether an exists or all around an expression has an element of this name.
func local(e ast.NavigableExpr, name string) bool {
	for parent, ok := e.Parent(); ok; parent, ok = parent.Parent() {
		if parent.Kind() == ast.ComprehensionKind && parent.AsComprehension().IterVar() == name {
			return true
		}
	}
	return false
}

// usesTime reports whether the expression has a variable of the time, which has a meaning in a time zone only.
func usesTime(root ast.NavigableExpr) bool {
	for _, ident := range ast.MatchDescendants(root, ast.KindMatcher(ast.IdentKind)) {
		if slices.ContainsFunc(variables, func(v Variable) bool { return v.time && v.Name == ident.AsIdent() }) {
			return true
		}
	}
	return false
}

// UsesTime reports whether Facts.Time matters. A nil Expression does not use it.
func (e *Expression) UsesTime() bool { return e != nil && e.usesTime }

// Holds reports whether the condition is true. An error means that it is not: nothing is granted then. A nil Expression
// is an error.
func (e *Expression) Holds(f *Facts) (bool, error) {
	if e == nil {
		return false, errors.New("the expression was not compiled")
	}
	if err := f.check(); err != nil {
		return false, err
	}
	out, _, err := e.program.Eval(f)
	if err != nil {
		return false, err
	}
	holds, ok := out.Value().(bool)
	if !ok {
		return false, fmt.Errorf("the expression is %v, neither true nor false", out)
	}
	return holds, nil
}

// sizes gives CEL's cost model the sizes of the variables.
type sizes struct{}

// EstimateSize implements cost.Estimator.
func (sizes) EstimateSize(n cost.AstNode) *cost.SizeEstimate {
	path := n.Path()
	if len(path) == 0 {
		return nil
	}
	for _, v := range variables {
		if v.Name == path[0] {
			size := cost.RangedSizeEstimate(0, v.maxSize)
			if v.typ == texts && len(path) > 1 {
				size.Max = maxText
			}
			return &size
		}
	}
	return nil
}

// EstimateCallCost implements cost.Estimator: the standard cost.
func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}
