// Reads what errata writes for others, with their own parsers, and prints it as JSON: `infra_tools compose FILE` as
// `docker compose config` does, `infra_tools hcl FILE` as Terraform does.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

var readers = map[string]func(file string) (any, error){"compose": readCompose, "hcl": readHCL}

func main() {
	if len(os.Args) != 3 || readers[os.Args[1]] == nil {
		fail(fmt.Errorf("usage: infra_tools compose|hcl FILE"))
	}
	read, err := readers[os.Args[1]](os.Args[2])
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(read); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
