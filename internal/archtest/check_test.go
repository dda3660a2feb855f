package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestArchitecture(t *testing.T) {
	broken, err := check(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range broken {
		t.Error(b)
	}
}

// check returns one line for each place in the module at root that breaks a rule. It reads the files for every
// system, whatever their build constraints, and leaves out tests and nested modules.
func check(root fs.FS) (broken []string, err error) {
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && leaveOut(root, name):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		broken = append(broken, checkFile(name, file)...)
		return nil
	})
	return broken, err
}

func leaveOut(root fs.FS, dir string) bool {
	if dir == "." {
		return false
	}
	base := path.Base(dir)
	_, err := fs.Stat(root, path.Join(dir, "go.mod"))
	return base == "testdata" || strings.HasPrefix(base, ".") || err == nil
}

func checkFile(name string, file *ast.File) (broken []string) {
	pkg := path.Dir(name)
	may, known := allowed(pkg)
	if !known {
		return []string{fmt.Sprintf("%s: no row of rooms says what %s may import", name, pkg)}
	}
	for _, spec := range file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value) // the parser has unquoted it before
		if ours, ok := strings.CutPrefix(imported, module+"/"); ok && !matchAny(may, ours) {
			broken = append(broken, fmt.Sprintf("%s: imports %s: %s may import of our rooms only %s", name, ours, pkg, strings.Join(may, ", ")))
		}
		for _, b := range bans {
			if matchAny(b.in, pkg) && !matchAny(b.except, pkg) && matchAny(b.ban, imported) && !matchAny(b.allowed, imported) {
				broken = append(broken, fmt.Sprintf("%s: imports %s: %s", name, imported, b.why))
			}
		}
	}
	if matchAny(pure, pkg) {
		broken = append(broken, impure(name, file)...)
	}
	return broken
}

// allowed returns the patterns of our own packages that pkg may import.
func allowed(pkg string) (may []string, known bool) {
	for _, r := range rooms {
		if !match(r.room, pkg) {
			continue
		}
		for _, m := range r.may {
			if m == "own" {
				m = own(r.room, pkg)
			}
			may = append(may, m)
		}
		if !slices.Contains(everywhere, pkg) {
			may = append(may, everywhere...)
		}
		return may, true
	}
	return nil, false
}

// own is the pattern of the room that pkg is in, by the row that it fits.
func own(row, pkg string) string {
	depth := len(strings.Split(strings.TrimSuffix(row, "/..."), "/"))
	return strings.Join(strings.Split(pkg, "/")[:depth], "/") + "/..."
}

// impure finds goroutines and the calls that pure packages do not make.
func impure(name string, file *ast.File) (broken []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			broken = append(broken, name+": starts a goroutine: a pure package has none")
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if !ok {
				return true
			}
			for _, c := range calls {
				if x.Name == localName(file, c.of) && slices.Contains(c.names, n.Sel.Name) {
					broken = append(broken, fmt.Sprintf("%s: uses %s.%s: %s", name, c.of, n.Sel.Name, c.why))
				}
			}
		}
		return true
	})
	return broken
}

// localName is the name under which the file knows an import, or "" when it does not import it.
func localName(file *ast.File, imported string) string {
	for _, spec := range file.Imports {
		if spec.Path.Value != strconv.Quote(imported) {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(strings.TrimSuffix(imported, "/v2"))
	}
	return ""
}

func matchAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, pkg) })
}

func match(pattern, pkg string) bool {
	if pattern == "..." {
		return true
	}
	stem, below := strings.CutSuffix(pattern, "/...")
	want, have := strings.Split(stem, "/"), strings.Split(pkg, "/")
	if len(have) < len(want) || len(have) > len(want) && !below {
		return false
	}
	for i, w := range want {
		if w != have[i] && w != "*" {
			return false
		}
	}
	return true
}
