package dev.aerie.target.layer;

import dev.aerie.torch.GatedDeltaRule;
import dev.aerie.torch.GatedDeltaRule.Heads;
import dev.aerie.torch.GatedDeltaRule.Inputs;
import dev.aerie.torch.GatedDeltaRule.Result;
import dev.aerie.torch.GatedDeltaRule.State;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.List;
import java.util.stream.Stream;

/**
 * The state of a layer of linear attention for one sequence. A state cannot drop its latest tokens as rows of keys can, so an
 * earlier state is kept with the inputs since then, and is advanced again from there.
 */
final class RecurrentState {

    /** Number of tokens that can be taken back: longer than any draft, and their inputs are small beside the state. */
    static final int REWINDABLE = 64;

    private final Scope owner;
    private int base;
    private int end;
    /** The state at {@code base}; null at the beginning of the sequence. */
    private State before;
    /** The state at {@code end}. */
    private State after;
    /** The inputs of the tokens from base to end. */
    private Inputs since;

    RecurrentState(Scope owner) {
        this.owner = owner;
    }

    /** Returns the smallest length of at least 1 to which the sequence can be truncated. */
    int earliest() {
        return base;
    }

    /**
     * Runs tokens at a position; tokens from there on that were run before are taken back.
     *
     * @return [n, value heads, value dim] in the innermost scope
     */
    Tensor next(int position, Inputs inputs, Tensor convolution, Heads heads) {
        State start = at(position, convolution, heads);
        int n = Math.toIntExact(inputs.rows().size(0));
        int first = Math.max(0, n - REWINDABLE);
        if (first == 0) {
            Result result = GatedDeltaRule.next(inputs, convolution, heads, start);
            keep(position, start, result.state(), inputs, position + n);
            return result.out();
        }
        Result head = GatedDeltaRule.next(inputs.narrow(0, first), convolution, heads, start);
        Inputs rest = inputs.narrow(first, n - first);
        Result tail = GatedDeltaRule.next(rest, convolution, heads, head.state());
        // Copies, because a view would keep the memory of all rows.
        Inputs own = new Inputs(rest.rows().copy(), rest.decay().copy(), rest.beta().copy());
        keep(position + first, head.state(), tail.state(), own, position + n);
        return Tensor.cat(0, List.of(head.out(), tail.out()));
    }

    private State at(int position, Tensor convolution, Heads heads) {
        if (position == 0) {
            return null;
        }
        if (position == end) {
            return after;
        }
        return position == base ? before
                : GatedDeltaRule.next(since.narrow(0, position - base), convolution, heads, before).state();
    }

    private void keep(int newBase, State newBefore, State newAfter, Inputs inputs, int newEnd) {
        State oldBefore = before;
        State oldAfter = after;
        Inputs oldSince = since;
        base = newBase;
        end = newEnd;
        before = newBefore;
        after = newAfter;
        since = inputs;
        Stream.of(tensors(newBefore), tensors(newAfter), tensors(inputs)).flatMap(s -> s).forEach(owner::adopt);
        if (oldBefore != newBefore) {
            tensors(oldBefore).forEach(Tensor::close);
        }
        if (oldAfter != newBefore) {
            tensors(oldAfter).forEach(Tensor::close);
        }
        tensors(oldSince).forEach(Tensor::close);
    }

    private static Stream<Tensor> tensors(State state) {
        return state == null ? Stream.empty() : Stream.of(state.tail(), state.matrix());
    }

    private static Stream<Tensor> tensors(Inputs inputs) {
        return inputs == null ? Stream.empty()
                : Stream.of(inputs.rows(), inputs.decay(), inputs.beta());
    }
}
