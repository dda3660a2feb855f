package manifest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/seed4134be55/peer/fault"
)

// Layout says which bytes of which file each leaf is. Runs of leaves are kept as one, so that a
// plain file takes 32 bytes whatever its size, and at worst each extent does. It does not change and
// is safe for concurrent use.
type Layout struct {
	Dirs     []Dir // parents before children; Dirs[0] is the root, if it is a folder
	Files    []File
	Symlinks []Symlink
	Bytes    int64 // of all files whose size is known, each occurrence counted

	runs     []run // of Files[0], then of Files[1], …
	literals []string
	attrs    []Attr
	byLeaf   places
}

// Dir is a folder.
type Dir struct {
	Name   string // unchecked, from the network; "" for the root
	Parent int32  // index in Dirs; -1 for the root
	attr   int32
}

// File is a file at one path; the same content at two paths is two files.
type File struct {
	Name  string // unchecked, from the network; "" when the root is the file
	Dir   int32  // index in Dirs; -1 when the root is the file
	attr  int32
	Size  int64 // bytes; -1 when its only leaf is a dag-pb block: known when that has arrived
	first int32 // index of its first run; the last is before the next file's first
}

// Symlink is a symbolic link. Its target is unchecked: see names.Target.
type Symlink struct {
	Name   string // unchecked, from the network
	Dir    int32  // index in Dirs; -1 when the root is the symlink
	Target string
}

// Attr is what UnixFS 1.5 keeps of a file or folder.
type Attr struct {
	Mode       uint32 // permission bits
	HasMode    bool
	ModTime    time.Time
	HasModTime bool
}

// Extent is a part of a file that is one leaf, or a few bytes that inner blocks hold.
type Extent struct {
	Offset  int64  // in the file
	Size    int64  // payload bytes; -1 when that is for the dag-pb leaf to say
	Leaf    int    // leaf index; negative: literal
	Literal string // the bytes, when Leaf is negative
}

// Place is where a leaf is written to.
type Place struct {
	File   int   // index in Files
	Offset int64 // in the file
	Size   int64 // payload bytes; -1 when that is for the dag-pb leaf to say
}

// NewLayout expands a complete manifest into files; get returns its inner blocks. Sizes that lie and
// DAGs beyond lim are fault.Corrupt, and refused before they are expanded.
func NewLayout(ctx context.Context, m *Manifest, get Get, lim Limits) (*Layout, error) {
	if !m.Complete() {
		return nil, fault.New(fault.Failed, "layout of %s: its manifest is not complete", m.Root())
	}
	g, root, err := loadGraph(ctx, m, get, lim)
	if err != nil {
		return nil, fmt.Errorf("layout of %s: %w", m.Root(), err)
	}
	x := expansion{g: g, l: &Layout{attrs: g.attrs}, inline: map[ref]int32{}}
	if err := x.expand(ctx, root); err != nil {
		return nil, err
	}
	x.l.byLeaf = newPlaces(x.l.runs)
	return x.l, nil
}

// FilePath returns the path of Files[i] below the root, slash separated; "" when the root is it.
func (l *Layout) FilePath(i int) string { return l.path(l.Files[i].Dir, l.Files[i].Name) }

// DirPath returns the path of Dirs[i]; "" for the root.
func (l *Layout) DirPath(i int) string { return l.path(l.Dirs[i].Parent, l.Dirs[i].Name) }

// SymlinkPath returns the path of Symlinks[i]; "" when the root is it.
func (l *Layout) SymlinkPath(i int) string { return l.path(l.Symlinks[i].Dir, l.Symlinks[i].Name) }

func (l *Layout) path(dir int32, name string) string {
	if dir <= 0 {
		return name
	}
	elements := []string{name}
	for ; dir > 0; dir = l.Dirs[dir].Parent {
		elements = append(elements, l.Dirs[dir].Name)
	}
	slices.Reverse(elements)
	return strings.Join(elements, "/")
}

// FileAttr returns what the DAG says of Files[i]. Of a file that is one dag-pb leaf, the leaf says it.
func (l *Layout) FileAttr(i int) Attr { return l.attrs[l.Files[i].attr] }

// DirAttr returns what the DAG says of Dirs[i].
func (l *Layout) DirAttr(i int) Attr { return l.attrs[l.Dirs[i].attr] }

// runsOf returns the runs of Files[i].
func (l *Layout) runsOf(i int) []run {
	end := len(l.runs)
	if i+1 < len(l.Files) {
		end = int(l.Files[i+1].first)
	}
	return l.runs[l.Files[i].first:end]
}

// Extents yields the extents of Files[i] in order.
func (l *Layout) Extents(i int) iter.Seq[Extent] {
	return func(yield func(Extent) bool) {
		for _, r := range l.runsOf(i) {
			for k := range r.len() {
				if !yield(l.extent(r, k)) {
					return
				}
			}
		}
	}
}

// ExtentAt returns the extent of Files[i] that holds byte off.
func (l *Layout) ExtentAt(i int, off int64) (Extent, bool) {
	size := l.Files[i].Size
	if off < 0 || size >= 0 && off >= size {
		return Extent{}, false
	}
	runs := l.runsOf(i)
	// The last run that begins at or before off: an empty one begins where the next does.
	after := sort.Search(len(runs), func(k int) bool { return runs[k].offset > off })
	r := runs[after-1]
	if r.size <= 0 {
		return l.extent(r, 0), true
	}
	return l.extent(r, int32((off-r.offset)/int64(r.size))), true
}

// extent returns extent k of r.
func (l *Layout) extent(r run, k int32) Extent {
	e := Extent{Offset: r.offset + int64(k)*int64(max(0, r.size)), Size: int64(r.size), Leaf: int(r.leaf)}
	switch {
	case r.leaf < 0:
		e.Literal = l.literals[-1-r.leaf]
	case r.count > 0:
		e.Leaf += int(k)
	}
	return e
}

// run is extents of one size, one after another in a file, that are leaves one after another in the
// manifest, or the same leaf again and again.
type run struct {
	offset int64
	leaf   int32 // the first; negative: literal -1-leaf
	count  int32 // extents; negative: of the same leaf
	size   int32 // payload bytes each; -1 unknown, of a file with one extent
	file   int32
}

func (r run) len() int32 { return max(r.count, -r.count) }

// end returns the leaf after the last that r has.
func (r run) end() int32 {
	if r.leaf >= 0 && r.count > 0 {
		return r.leaf + r.count
	}
	return r.leaf + 1
}

// extend takes one more extent into r if it fits.
func (r *run) extend(leaf, size int32) bool {
	if size != r.size || size < 0 || leaf < 0 || r.leaf < 0 {
		return false
	}
	switch {
	case r.count > 0 && leaf == r.leaf+r.count:
		r.count++
	case r.count == 1 && leaf == r.leaf:
		r.count = -2
	case r.count < 0 && leaf == r.leaf:
		r.count--
	default:
		return false
	}
	return true
}

// places finds the runs that a leaf is in: an interval tree laid into arrays, as one file may repeat
// any range of another's leaves. 8 bytes a run.
type places struct {
	order []int32 // runs of leaves, by their first leaf
	ends  []int32 // at the middle of each range of order: the largest end in the range
}

func newPlaces(runs []run) places {
	var p places
	for i, r := range runs {
		if r.leaf >= 0 {
			p.order = append(p.order, int32(i))
		}
	}
	sort.SliceStable(p.order, func(i, j int) bool { return runs[p.order[i]].leaf < runs[p.order[j]].leaf })
	p.ends = make([]int32, len(p.order))
	p.fill(runs, 0, len(p.order))
	return p
}

// fill sets ends for the range lo to hi; it recurses as deep as the logarithm of its length.
func (p places) fill(runs []run, lo, hi int) int32 {
	if lo == hi {
		return -1
	}
	mid := int(uint(lo+hi) / 2)
	p.ends[mid] = max(runs[p.order[mid]].end(), p.fill(runs, lo, mid), p.fill(runs, mid+1, hi))
	return p.ends[mid]
}

// visit yields the runs in the range lo to hi that leaf is in.
func (p places) visit(runs []run, leaf int32, lo, hi int, yield func(run) bool) bool {
	if lo == hi {
		return true
	}
	mid := int(uint(lo+hi) / 2)
	if p.ends[mid] <= leaf {
		return true
	}
	if !p.visit(runs, leaf, lo, mid, yield) {
		return false
	}
	r := runs[p.order[mid]]
	if r.leaf > leaf {
		return true
	}
	if r.end() > leaf && !yield(r) {
		return false
	}
	return p.visit(runs, leaf, mid+1, hi, yield)
}

// Places yields every place of a leaf, in no particular order. There can be millions, of a block of
// zeros.
func (l *Layout) Places(leaf int) iter.Seq[Place] {
	return func(yield func(Place) bool) {
		l.byLeaf.visit(l.runs, int32(leaf), 0, len(l.byLeaf.order), func(r run) bool {
			first, last := int32(leaf)-r.leaf, int32(leaf)-r.leaf
			if r.count < 0 {
				first, last = 0, r.len()-1
			}
			for k := first; k <= last; k++ {
				at := r.offset + int64(k)*int64(max(0, r.size))
				if !yield(Place{int(r.file), at, int64(r.size)}) {
					return false
				}
			}
			return true
		})
	}
}
