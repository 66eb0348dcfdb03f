package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
)

// actVariable makes the test binary act as a command.
const actVariable = "HANDLERS_TEST_ACT"

// acts are what the test binary does as a command.
var acts = map[string]func(args []string){
	"argv":  func(args []string) { printJSON(args) },
	"env":   func([]string) { printJSON(os.Environ()) },
	"stdin": func([]string) { _, _ = io.Copy(os.Stdout, os.Stdin) },
	"raw":   func([]string) { _, _ = os.Stdout.WriteString("a\xff\xfeb\n") },
	"exit": func(args []string) {
		code, _ := strconv.Atoi(args[0])
		_, _ = os.Stderr.WriteString(args[1] + "\n")
		syscall.Exit(code)
	},
	"flood": func([]string) {
		for {
			if _, err := os.Stdout.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	},
	// hold reports to an address and stays until it is killed.
	"hold": func(args []string) { hold(args[0]) },
	// stubborn ignores SIGTERM, and so do its children and theirs.
	"stubborn": func(args []string) {
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP)
		if depth, _ := strconv.Atoi(args[1]); depth > 0 {
			for range 2 {
				child := exec.Command(os.Args[0], args[0], strconv.Itoa(depth-1))
				child.Stdout, child.Stderr = os.Stdout, os.Stderr
				must(child.Start())
			}
		}
		hold(args[0])
	},
	// escape leaves a process behind in a session of its own.
	"escape": func(args []string) {
		child := exec.Command(os.Args[0], args...)
		child.Env = append(os.Environ(), actVariable+"=hold")
		child.Stdout, child.SysProcAttr = os.Stdout, &syscall.SysProcAttr{Setsid: true}
		must(child.Start())
	},
	// polite ends on SIGTERM as if all were well.
	"polite": func(args []string) {
		terms := make(chan os.Signal, 1)
		signal.Notify(terms, syscall.SIGTERM)
		report(args[0])
		<-terms
	},
	// worker runs a handler whose command holds.
	"worker": func(args []string) {
		set, err := Build(map[string]Config{"k": {Exec: act("hold", "{{to}}")}}, Options{})
		must(err)
		must(set.Funcs["k"](context.Background(), newJob(fmt.Sprintf(`{"to":%q}`, args[0])).Job))
	},
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func printJSON(v any) { must(json.NewEncoder(os.Stdout).Encode(v)) }

// report tells the test at address that this process lives; the connection ends
// with it.
func report(address string) net.Conn {
	conn, err := net.Dial("tcp", address)
	must(err)
	_, err = fmt.Fprintln(conn, os.Getpid())
	must(err)
	return conn
}

func hold(address string) {
	_, _ = report(address).Read(make([]byte, 1))
}

// act is an Exec that runs the test binary as one of acts.
func act(name string, args ...string) *Exec {
	self, err := os.Executable()
	must(err)
	return &Exec{
		Command: append([]string{self}, args...),
		Set:     map[string]string{actVariable: name},
	}
}
