package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs one command and gives the exit code: 0 nothing (left) to do, 2
// changes pending, 3 held by a guard, 1 an error.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := &cli{in: stdin, out: stdout, err: stderr}
	root := c.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if cmd, err := root.ExecuteContextC(ctx); err != nil {
		c.json = c.json || slices.Contains(args, "--json") // asked for behind what could not be read
		if _, known := errors.AsType[*usageError](err); !known && !c.began {
			err = &usageError{err: err, next: fmt.Sprintf("`%s --help` shows how it is called", cmd.CommandPath())}
		}
		c.fail(err)
		return exitError
	}
	return c.exit
}
