//go:build race

package modem

const underRace = true // the race detector needs more memory
