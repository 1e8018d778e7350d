package dev.aerie.draft;

import dev.aerie.errors.RefusalException;
import dev.aerie.target.layer.RotaryTable;
import dev.aerie.torch.DType;
import dev.aerie.torch.Nn;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;

/**
 * Acceptance without decoding: for texts that the target generated greedily, one TTT forward pass determines what greedy chain
 * decoding would have accepted.
 *
 * <p>The supervised tokens x[s] … x[e] of a text are the target's continuation of the tokens before them; x[s] comes from the
 * prefill. A round with newest token x[p] drafts from row t = p − 1, and drafted token i (from 0) is accepted if the draft's
 * arg-max of row t at step i equals x[t+2+i]; as long as it does, the text's tokens are those of the chain. After a accepted
 * tokens the target adds one, and the newest token of the next round is x[p+a+1]; the last round emits no more than the text has.
 * Each supervised run of a text is a separate continuation. For a text that the target did not generate, the same counts are
 * teacher match, not acceptance.
 */
public final class TttReplay implements AutoCloseable {

    private static final long PIECE_ELEMENTS = 1L << 22;

    private final DraftParameters parameters;
    private final FrozenTarget target;
    private final int draftTokens;
    private final DType compute;
    private final RotaryTable rotary;

    /**
     * @param parameters read again by every call
     * @param target tensors in {@code compute}, on the device of the parameters
     * @param draftTokens drafted tokens per round
     */
    public TttReplay(DraftParameters parameters, FrozenTarget target, int draftTokens, DType compute) {
        if (draftTokens < 1) {
            throw new RefusalException("Invalid draft_tokens: " + draftTokens + " (expected at least 1)");
        }
        target.require(parameters.config());
        this.parameters = parameters;
        this.target = target;
        this.draftTokens = draftTokens;
        this.compute = compute;
        this.rotary = parameters.config().rotary(parameters.flat().device());
    }

    /** @param batch texts whose supervised tokens are the target's; its teacher states are not used */
    public ReplayCounts replay(TrainingBatch batch) {
        LossRows rows = LossRows.plan(batch, LossMode.STRICT, draftTokens, new int[batch.tokens()]);
        ReplayCounts counts = ReplayCounts.zero(draftTokens);
        int[] right = new int[batch.tokens()];
        if (rows.entries() > 0) {
            long[] proposed = proposed(batch, rows);
            for (int step = 0; step < draftTokens; step++) {
                for (int e = rows.bounds()[step]; e < rows.bounds()[step + 1]; e++) {
                    int row = rows.queryRows()[(int) rows.position()[e]];
                    if (right[row] == step && proposed[e] == batch.inputIds()[row + 2 + step]) {
                        right[row]++;
                    }
                }
            }
        }
        for (int s = 0; s < batch.sequences(); s++) {
            for (int first = batch.start(s) + 1; first < batch.end(s); first++) {
                if (batch.lossMask()[first]) {
                    int last = first;
                    while (last + 1 < batch.end(s) && batch.lossMask()[last + 1]) {
                        last++;
                    }
                    counts = counts.plus(rounds(first, last, right));
                    first = last;
                }
            }
        }
        return counts;
    }

    /** Returns the counts of one continuation x[first] … x[last]. */
    private ReplayCounts rounds(int first, int last, int[] right) {
        long[] hits = new long[draftTokens];
        long rounds = 0;
        for (int newest = first; newest < last; rounds++) {
            int accepted = right[newest - 1];
            for (int k = 0; k < accepted; k++) {
                hits[k]++;
            }
            newest += Math.min(accepted + 1, last - newest);
        }
        return new ReplayCounts(rounds, last - first, hits);
    }

    /** Returns the draft's arg-max of each entry, as target ids. */
    private long[] proposed(TrainingBatch batch, LossRows rows) {
        long[] proposed = new long[rows.entries()];
        try (Scope scope = Scope.open()) {
            DraftTensors weights = parameters.tensors(compute);
            DraftConfig config = parameters.config();
            TttForward forward = new TttForward(config, weights, target.embedTokens(), rotary, batch, rows, scope).run();
            Tensor hidden = forward.lossRows();
            int piece = (int) Math.max(1, PIECE_ELEMENTS / config.draftVocabSize());
            for (int at = 0; at < proposed.length; at += piece) {
                try (Scope pieceScope = Scope.open()) {
                    Tensor x = hidden.narrow(0, at, Math.min(piece, proposed.length - at));
                    Tensor logits = Nn.linear(Nn.rmsNorm(x, weights.outputNorm(), config.rmsNormEps()), weights.lmHead());
                    long[] best = logits.argmax().toLongs();
                    for (int j = 0; j < best.length; j++) {
                        proposed[at + j] = target.vocabulary().ids()[(int) best[j]];
                    }
                }
            }
        }
        return proposed;
    }

    @Override
    public void close() {
        rotary.close();
    }
}
