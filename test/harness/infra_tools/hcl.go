package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

type block struct {
	Type       string         `json:"type"`
	Labels     []string       `json:"labels"`
	Attributes map[string]any `json:"attributes"`
	Blocks     []block        `json:"blocks"`
}

// A reference to another resource is read as {"reference": "its text"}, everything else as its value.
func readHCL(file string) (any, error) {
	source, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	parsed, problems := hclsyntax.ParseConfig(source, file, hcl.InitialPos)
	if problems.HasErrors() {
		return nil, problems
	}
	return readBody(parsed.Body.(*hclsyntax.Body), source)
}

func readBody(body *hclsyntax.Body, source []byte) ([]block, error) {
	blocks := []block{}
	for _, found := range body.Blocks {
		attributes := map[string]any{}
		for name, attribute := range found.Body.Attributes {
			value, err := readValue(attribute.Expr, source)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			attributes[name] = value
		}
		inner, err := readBody(found.Body, source)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, block{found.Type, append([]string{}, found.Labels...), attributes, inner})
	}
	return blocks, nil
}

var functions = map[string]function.Function{"jsonencode": stdlib.JSONEncodeFunc}

func readValue(expression hclsyntax.Expression, source []byte) (any, error) {
	if len(expression.Variables()) > 0 {
		return map[string]string{"reference": string(expression.Range().SliceBytes(source))}, nil
	}
	value, problems := expression.Value(&hcl.EvalContext{Functions: functions})
	if problems.HasErrors() {
		return nil, problems
	}
	text, err := ctyjson.Marshal(value, value.Type())
	return json.RawMessage(text), err
}
