// Package tty has the numbers of lines and their names. A line with a modem has a TTY number. A session over the
// network is on a vty, which has no modem; as in IOS, its line number follows those of the other lines.
package tty

import "strconv"

// Max is the highest TTY number of a line with a modem.
const Max = 99999

// firstVTY is the line number of vty 0.
const firstVTY = Max + 1

// VTY returns the line number of vty n, which counts from 0.
func VTY(n int) int { return firstVTY + n }

// IsVTY returns the number of the vty that a line is; ok is false for another line.
func IsVTY(line int) (n int, ok bool) {
	if line < firstVTY {
		return 0, false
	}
	return line - firstVTY, true
}

// Name returns the name of a line for people: "tty 65", "vty 0".
func Name(line int) string { return named(line, " ") }

// Port returns the name of a line as AAA servers know it: "tty65", "vty0".
func Port(line int) string { return named(line, "") }

func named(line int, space string) string {
	if n, ok := IsVTY(line); ok {
		return "vty" + space + strconv.Itoa(n)
	}
	return "tty" + space + strconv.Itoa(line)
}

// Text returns the number of a line in a column of TTY numbers: "65", "vty 0".
func Text(line int) string {
	if _, ok := IsVTY(line); ok {
		return Name(line)
	}
	return strconv.Itoa(line)
}
