package chord

import "github.com/seed4134be55/peer/discovery/overlay"

// Bounds of messages.
const (
	maxNamed  = 8 // nodes that an answer to locate names, or that follow the one that answers
	maxPassed = 4 // of them, if they are only nearer
	maxSkip   = 252
	maxBatch  = 32 // records in one store or offered
	maxItems  = 64 // keys in one offer
	maxFound  = overlay.MaxProviders + overlay.MaxWriters
)

// The kinds of messages. Questions are odd; the answer to each is the kind that follows it.
const (
	kindLocate overlay.Kind = iota + 1
	kindLocated
	kindFetch
	kindFetched
	kindStore
	kindStored
	kindNeighbours
	kindNeighbourhood
	kindPing
	kindPong
	kindIntroduce
	kindIntroduced
	kindOffer
	kindOffered
	kindNotify // has no answer
	kindLeave  // has none
)

func newMessage(k overlay.Kind) overlay.Message {
	switch k {
	case kindLocate:
		return new(locate)
	case kindLocated:
		return new(located)
	case kindFetch:
		return new(fetch)
	case kindFetched:
		return new(fetched)
	case kindStore:
		return new(store)
	case kindStored:
		return new(stored)
	case kindNeighbours:
		return neighbours{}
	case kindNeighbourhood:
		return new(neighbourhood)
	case kindPing:
		return ping{}
	case kindPong:
		return pong{}
	case kindIntroduce:
		return new(introduce)
	case kindIntroduced:
		return introduced{}
	case kindOffer:
		return new(offer)
	case kindOffered:
		return new(offered)
	case kindNotify:
		return notify{}
	case kindLeave:
		return new(leave)
	}
	return nil
}

// locate asks who is responsible for a key. Skip is how many nearer nodes were named before, and did not answer.
type locate struct {
	Key  overlay.Key
	Skip int
}

func (*locate) Kind() overlay.Kind { return kindLocate }
func (m *locate) Fields(c *overlay.Coder) {
	c.Key(&m.Key)
	overlay.Number(c, &m.Skip, maxSkip)
}

// located names nodes: if Owner, the one responsible and those that follow it; otherwise some that are nearer to it, the
// nearest first.
type located struct {
	Owner bool
	Nodes []overlay.Ref
}

func (*located) Kind() overlay.Kind { return kindLocated }
func (m *located) Fields(c *overlay.Coder) {
	c.Bool(&m.Owner)
	c.Refs(&m.Nodes, maxNamed)
}

// fetch reaches the node that is responsible for a key: it ends every lookup but a Publish. Most is how many records are
// wanted; a Route wants none.
type fetch struct {
	Key  overlay.Key
	Most int
}

func (*fetch) Kind() overlay.Kind { return kindFetch }
func (m *fetch) Fields(c *overlay.Coder) {
	c.Key(&m.Key)
	overlay.Number(c, &m.Most, maxFound)
}

// fetched says whether the sender is responsible for the key. Nodes are those that keep its records too; if it is not, after
// the one before it, which is nearer.
type fetched struct {
	Mine    bool
	Nodes   []overlay.Ref
	Records []*overlay.Record
}

func (*fetched) Kind() overlay.Kind { return kindFetched }
func (m *fetched) Fields(c *overlay.Coder) {
	c.Bool(&m.Mine)
	c.Refs(&m.Nodes, maxNamed)
	c.Records(&m.Records, maxFound)
}

// store has records kept. Moved says that the receiver is now responsible for them, as far as the sender knows.
type store struct {
	Moved   bool
	Records []*overlay.Record
}

func (*store) Kind() overlay.Kind { return kindStore }
func (m *store) Fields(c *overlay.Coder) {
	c.Bool(&m.Moved)
	c.Records(&m.Records, maxBatch)
}

// stored says as fetched does whether the sender is responsible for the key of the first record, and how many it keeps.
type stored struct {
	Mine  bool
	Nodes []overlay.Ref
	Kept  int
}

func (*stored) Kind() overlay.Kind { return kindStored }
func (m *stored) Fields(c *overlay.Coder) {
	c.Bool(&m.Mine)
	c.Refs(&m.Nodes, maxSuccessors)
	overlay.Number(c, &m.Kept, maxBatch)
}

// neighbours asks for a node's predecessor and successor list.
type neighbours struct{}

func (neighbours) Kind() overlay.Kind    { return kindNeighbours }
func (neighbours) Fields(*overlay.Coder) {}

// neighbourhood is the answer. Whole says that the list goes all round the ring; a node that is not in the ring yet has
// an empty list that does not.
type neighbourhood struct {
	Pred  overlay.Ref
	Whole bool
	List  []overlay.Ref
}

func (*neighbourhood) Kind() overlay.Kind { return kindNeighbourhood }
func (m *neighbourhood) Fields(c *overlay.Coder) {
	c.Ref(&m.Pred)
	c.Bool(&m.Whole)
	c.Refs(&m.List, maxSuccessors)
}

// ping asks whether a node is there.
type (
	ping struct{}
	pong struct{}
)

func (ping) Kind() overlay.Kind    { return kindPing }
func (ping) Fields(*overlay.Coder) {}
func (pong) Kind() overlay.Kind    { return kindPong }
func (pong) Fields(*overlay.Coder) {}

// introduce tells of a node that may be of another ring. It is passed on to the node before that one's place, at most
// maxSteps times; Step counts.
type introduce struct {
	Node overlay.Ref
	Step int
}

func (*introduce) Kind() overlay.Kind { return kindIntroduce }
func (m *introduce) Fields(c *overlay.Coder) {
	c.Ref(&m.Node)
	overlay.Number(c, &m.Step, maxSteps)
	if c.Decoding() && m.Node.IsZero() {
		c.Reject("an introduction of nobody")
	}
}

type introduced struct{}

func (introduced) Kind() overlay.Kind    { return kindIntroduced }
func (introduced) Fields(*overlay.Coder) {}

// offer tells a replica what the sender, which is responsible for the keys in (From, To], has of them: the sum of all, or,
// in detail, the sum of each.
type offer struct {
	From, To overlay.Key
	Detail   bool
	Sum      uint64
	Items    []item
}

type item struct {
	Key overlay.Key
	Sum uint64
}

func (*offer) Kind() overlay.Kind { return kindOffer }
func (m *offer) Fields(c *overlay.Coder) {
	c.Key(&m.From)
	c.Key(&m.To)
	c.Bool(&m.Detail)
	c.Uint(&m.Sum, 1<<64-1)
	overlay.List(c, &m.Items, maxItems, func(c *overlay.Coder, it *item) {
		c.Key(&it.Key)
		c.Uint(&it.Sum, 1<<64-1)
	})
}

// offered says whether the receiver of an offer has something else; in detail, of which keys it wants what the other has,
// and what the other may not have.
type offered struct {
	Differs bool
	Want    []overlay.Key
	Records []*overlay.Record
}

func (*offered) Kind() overlay.Kind { return kindOffered }
func (m *offered) Fields(c *overlay.Coder) {
	c.Bool(&m.Differs)
	overlay.List(c, &m.Want, maxItems, (*overlay.Coder).Key)
	c.Records(&m.Records, maxBatch)
}

// notify says that the sender takes itself for the receiver's predecessor, or is new.
type notify struct{}

func (notify) Kind() overlay.Kind    { return kindNotify }
func (notify) Fields(*overlay.Coder) {}

// leave is a node's goodbye: who is next to it.
type leave struct {
	Pred overlay.Ref
	List []overlay.Ref
}

func (*leave) Kind() overlay.Kind { return kindLeave }
func (m *leave) Fields(c *overlay.Coder) {
	c.Ref(&m.Pred)
	c.Refs(&m.List, maxSuccessors)
}
