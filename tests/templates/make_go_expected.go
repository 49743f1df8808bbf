// Writes the expected texts of go_template_oracle_test.cpp with Go's own text/template (Go 1.18 or newer):
//
//	go run make_go_expected.go
//
// fills "expected" or "fails" of every case in go_expected.json. Constructs run once over "globals". Conversations
// run as Ollama runs them, written down here a second time and another way: the last turn of a template without
// .Messages is made with a mark behind its response, and cut at the mark.
package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"text/template"
	"time"
)

const nowUnixS = 1753963200 // 2025-07-31 12:00:00 UTC, as in the test
const mark = "\x01"

type Property struct {
	Type        string `json:"type,omitempty"`
	Description string `json:"description,omitempty"`
	Enum        []any  `json:"enum,omitempty"`
}

type Parameters struct {
	Type       string              `json:"type"`
	Required   []string            `json:"required"`
	Properties map[string]Property `json:"properties"`
}

type Declared struct {
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Parameters  Parameters `json:"parameters"`
}

type Tool struct {
	Type     string   `json:"type"`
	Function Declared `json:"function"`
}

type Tools []Tool
type Arguments map[string]any

type Called struct {
	Name      string    `json:"name"`
	Arguments Arguments `json:"arguments"`
}

type Call struct {
	ID       string `json:"id"`
	Function Called `json:"function"`
}

type Message struct {
	Role       string `json:"role"`
	Content    string `json:"content"`
	Thinking   string `json:"thinking"`
	ToolCalls  []Call `json:"tool_calls"`
	ToolName   string `json:"tool_name"`
	ToolCallID string `json:"tool_call_id"`
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (t Tools) String() string     { return asJSON(t) }
func (t Tool) String() string      { return asJSON(t) }
func (d Declared) String() string  { return asJSON(d) }
func (a Arguments) String() string { return asJSON(a) }

func typeScript(v any) string {
	property, ok := v.(Property)
	names := map[string]string{"string": "string", "integer": "number", "number": "number", "boolean": "boolean",
		"array": "any[]", "object": "Record<string, any>", "null": "null"}
	if name, known := names[property.Type]; ok && known {
		return name
	}
	return "any"
}

func day(offset int) func(...string) string {
	return func(...string) string {
		return time.Unix(nowUnixS, 0).UTC().AddDate(0, 0, offset).Format("2006-01-02")
	}
}

var funcs = template.FuncMap{"json": asJSON, "toTypeScriptType": typeScript, "currentDate": day(0), "yesterday": day(-1)}

type Case struct {
	Name         string `json:"name"`
	Template     string `json:"template"`
	Conversation string `json:"conversation,omitempty"`
	Expected     string `json:"expected,omitempty"`
	Fails        string `json:"fails,omitempty"`
}

type Conversation struct {
	Messages   []Message       `json:"messages"`
	Tools      json.RawMessage `json:"tools,omitempty"`
	Think      bool            `json:"think"`
	IsThinkSet bool            `json:"is_think_set"`
	ThinkLevel string          `json:"think_level"`
}

// Whole numbers are ints, as a template's own are.
func withInts(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return int(n)
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = withInts(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = withInts(v[k])
		}
	}
	return v
}

func collate(messages []Message) (system string, collated []*Message) {
	var systems []string
	for i := range messages {
		m := messages[i]
		if m.Role == "system" {
			systems = append(systems, m.Content)
		}
		if n := len(collated); n > 0 && m.Role != "tool" && collated[n-1].Role == m.Role {
			collated[n-1].Content += "\n\n" + m.Content
		} else {
			collated = append(collated, &m)
		}
	}
	return strings.Join(systems, "\n\n"), collated
}

func execute(t *template.Template, fields map[string]any) (string, error) {
	var out bytes.Buffer
	err := t.Execute(&out, fields)
	return out.String(), err
}

func converse(t *template.Template, source string, c Conversation) (string, error) {
	var tools Tools
	if len(c.Tools) > 0 {
		if err := json.Unmarshal(c.Tools, &tools); err != nil {
			panic(err)
		}
	}
	system, messages := collate(c.Messages)
	fields := func() map[string]any {
		return map[string]any{"Think": c.Think, "IsThinkSet": c.IsThinkSet, "ThinkLevel": c.ThinkLevel}
	}
	if strings.Contains(source, ".Messages") {
		f := fields()
		f["System"], f["Messages"], f["Tools"], f["Response"] = system, messages, tools, ""
		return execute(t, f)
	}
	out := ""
	turn := map[string]string{}
	run := func(end string) error {
		f := fields()
		f["System"], f["Prompt"], f["Response"] = turn["system"], turn["user"], turn["assistant"]+end
		text, err := execute(t, f)
		out += text
		if !strings.Contains(source, ".Response") {
			out += f["Response"].(string)
		}
		turn = map[string]string{}
		return err
	}
	for _, m := range messages {
		if (m.Role == "system" && turn["user"]+turn["assistant"] != "") || (m.Role == "user" && turn["assistant"] != "") {
			if err := run(""); err != nil {
				return "", err
			}
		}
		turn[m.Role] = m.Content
	}
	err := run(mark)
	text, _, _ := strings.Cut(out, mark)
	return text, err
}

func main() {
	const file = "go_expected.json"
	read, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	var table struct {
		Globals       json.RawMessage         `json:"globals"`
		Conversations map[string]Conversation `json:"conversations"`
		Cases         []Case                  `json:"cases"`
	}
	if err := json.Unmarshal(read, &table); err != nil {
		panic(err)
	}
	for i := range table.Cases {
		c := &table.Cases[i]
		c.Expected, c.Fails = "", ""
		decoder := json.NewDecoder(bytes.NewReader(table.Globals))
		decoder.UseNumber()
		var globals map[string]any
		if err := decoder.Decode(&globals); err != nil {
			panic(err)
		}
		t, err := template.New("").Option("missingkey=zero").Funcs(funcs).Parse(c.Template)
		if err != nil {
			c.Fails = "parse"
			continue
		}
		if c.Conversation != "" {
			c.Expected, err = converse(t, c.Template, table.Conversations[c.Conversation])
		} else {
			c.Expected, err = execute(t, withInts(globals).(map[string]any))
		}
		if err != nil {
			c.Expected, c.Fails = "", "render"
		}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(table); err != nil {
		panic(err)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		panic(err)
	}
}
