// What a session says of itself: every check has a name and is counted; the first that does not
// hold ends the session.
package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync"
	"time"
)

const (
	waitMax     = 60 * time.Second
	pauseBefore = 20 * time.Millisecond
	skewMax     = 10 * time.Minute
	detailBytes = 2000
)

var (
	counting sync.Mutex
	passed   int
)

func that(name string, holds bool, detail any) {
	counting.Lock()
	defer counting.Unlock()
	if !holds {
		shown := fmt.Sprintf("%#v", detail)
		if err, failed := detail.(error); failed {
			shown = err.Error()
		}
		fmt.Printf("  FAIL  %s %.*s\n", name, detailBytes, shown)
		os.Exit(1)
	}
	passed++
	fmt.Printf("  ok    %s\n", name)
}

func equal(name string, found, expected any) {
	that(name, reflect.DeepEqual(found, expected), []any{"found", found, "expected", expected})
}

// must ends the session when a call that has to succeed did not.
func must[T any](answer T, err error) T {
	if err != nil {
		that("a call that must succeed", false, err)
	}
	return answer
}

// refused wants the type that the SDK has for this exception.
func refused[E error](name string, err error) {
	var exception E
	that(name, errors.As(err, &exception), err)
}

func recent(at *time.Time) bool {
	return at != nil && time.Since(*at).Abs() < skewMax
}

// until asks until the answer is true.
func until(what string, ask func() bool) {
	for end := time.Now().Add(waitMax); !ask(); time.Sleep(pauseBefore) {
		if time.Now().After(end) {
			that("waiting for "+what, false, "it takes too long")
		}
	}
}
