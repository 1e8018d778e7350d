package dev.aerie.draft;

import dev.aerie.target.layer.RotaryTable.Rotation;
import dev.aerie.torch.DType;
import dev.aerie.torch.Gradients;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import dev.aerie.torch.TttAttention;
import dev.aerie.torch.TttAttention.Context;
import dev.aerie.torch.TttAttention.StepKeys;
import java.util.List;

/**
 * The backward pass of {@link TttForward}: goes through the steps from the last to the first, without detaching between them, and
 * adds parameter gradients to the accumulators.
 */
final class TttBackward {

    private final TttForward forward;
    private final DraftConfig config;
    private final DraftTensors weights;
    private final DraftTensors gradients;
    private final Context contextGradient;
    private final StepKeys stepGradient;
    /** float32 [T, q + k + v]: gradient of the embedding side of the projections, summed over the steps. */
    private final Tensor embeddingSide;

    /** @param gradients float32 accumulators of the parameter gradients */
    TttBackward(TttForward forward, DraftTensors gradients) {
        this.forward = forward;
        this.config = forward.config;
        this.weights = forward.weights;
        this.gradients = gradients;
        DType sums = gradients.fc().dtype();
        contextGradient = new Context(zerosLike(forward.context.keys(), sums), zerosLike(forward.context.values(), sums),
                forward.rows.blocks());
        StepKeys stepKeys = forward.stepKeys(forward.rows.steps() - 1);
        stepGradient = new StepKeys(zerosLike(stepKeys.keys(), sums), zerosLike(stepKeys.values(), sums));
        int width = config.queryWidth() + 2 * config.keyValueWidth();
        embeddingSide = Tensor.zeros(sums, forward.device, forward.all.count(), width);
    }

    private Tensor zerosLike(Tensor x, DType dtype) {
        return Tensor.zeros(dtype, forward.device, x.shape());
    }

    /** @param outputs gradient of each step's output from that step's loss alone, [A, hidden]; changed in place */
    void run(Tensor[] outputs) {
        for (int i = forward.rows.steps() - 1; i >= 0; i--) {
            try (Scope inner = Scope.open()) {
                TttForward.Step kept = forward.steps.get(i);
                Tensor afterAttention = mlp(outputs[i], kept);
                Tensor queries = attention(i, afterAttention, kept);
                if (i > 0) {
                    outputs[i - 1].add_(projections(i, queries, kept)).add_(afterAttention);
                } else {
                    firstProjections(queries, afterAttention, kept);
                }
            }
        }
        embedding();
    }

    /** @return the gradient of the residual stream after attention */
    private Tensor mlp(Tensor output, TttForward.Step kept) {
        Gradients.addLinearWeight(gradients.down(), output, kept.gated());
        Tensor gateUp = Gradients.siluProduct(Gradients.linear(output, weights.down()), kept.gateUp());
        Gradients.addLinearWeight(gradients.gateUp(), gateUp, kept.postNormed());
        return norm(Gradients.linear(gateUp, weights.gateUp()), kept.afterAttention(), weights.postNorm(), gradients.postNorm())
                .add_(output);
    }

    /** @return the gradient of the rotated queries; those of keys and values are added to their sums */
    private Tensor attention(int i, Tensor afterAttention, TttForward.Step kept) {
        Gradients.addLinearWeight(gradients.output(), afterAttention, TttForward.flat(kept.attended().output()));
        Tensor attended = forward.heads(Gradients.linear(afterAttention, weights.output()));
        StepKeys upToHere = new StepKeys(stepGradient.keys().narrow(1, 0, i), stepGradient.values().narrow(1, 0, i));
        return TttAttention.backward(attended, kept.queries(), kept.attended(), forward.context, forward.stepKeys(i),
                forward.scale(),
                contextGradient, upToHere);
    }

    /** Differentiates the projections of a later step; returns the gradient of its hidden state, through their norm. */
    private Tensor projections(int i, Tensor queries, TttForward.Step kept) {
        Rotation rotation = forward.queryRows.rotation(i);
        Tensor rotated = Gradients.rotaryEmbedding(
                Tensor.cat(1, List.of(queries, stepSlot(stepGradient.keys(), i))), rotation.cos(), rotation.sin());
        Tensor projected = Tensor.cat(1, List.of(TttForward.flat(rotated), TttForward.flat(stepSlot(stepGradient.values(), i))));
        Gradients.addLinearWeight(gradients.hiddenSide(), projected, kept.normed());
        embeddingSide.addRows_(forward.queryRows.tokensRead(i), projected);
        return norm(Gradients.linear(projected, weights.hiddenSide()), kept.hidden(), weights.hiddenNorm(),
                gradients.hiddenNorm());
    }

    /**
     * Differentiates the projections of step 0: queries of the query rows, keys and values of all rows, whose hidden states come
     * from fc.
     */
    private void firstProjections(Tensor queries, Tensor afterAttention, TttForward.Step kept) {
        int q = config.queryWidth();
        int kv = config.keyValueWidth();
        Rotation rotation = forward.queryRows.rotation(0);
        Tensor asked = TttForward.flat(Gradients.rotaryEmbedding(queries, rotation.cos(), rotation.sin()));
        Rotation ofAll = forward.all.rotation(0);
        Tensor keys = TttAttention.fold(contextGradient.keys(), config.keyValueHeads()).to(forward.dtype);
        Tensor values = TttAttention.fold(contextGradient.values(), config.keyValueHeads()).to(forward.dtype);
        Tensor keyValues = Tensor.cat(1, List.of(
                TttForward.flat(Gradients.rotaryEmbedding(keys, ofAll.cos(), ofAll.sin())), TttForward.flat(values)));

        Gradients.addLinearWeight(gradients.hiddenSide().narrow(0, 0, q), asked, kept.normed());
        Gradients.addLinearWeight(gradients.hiddenSide().narrow(0, q, 2L * kv), keyValues, forward.normed0);
        embeddingSide.narrow(1, 0, q).addRows_(forward.queryRows.tokensRead(0), asked);
        embeddingSide.narrow(1, q, 2L * kv).addRows_(forward.all.tokensRead(0), keyValues);

        Tensor index = forward.queryRows.index();
        Tensor normed = Gradients.linear(keyValues, weights.hiddenSide().narrow(0, q, 2L * kv))
                .addRows_(index, Gradients.linear(asked, weights.hiddenSide().narrow(0, 0, q)));
        Tensor hidden = norm(normed, forward.hidden0, weights.hiddenNorm(), gradients.hiddenNorm())
                .addRows_(index, afterAttention);
        Gradients.addLinearWeight(gradients.fc(), hidden, forward.aux);
    }

    /** Differentiates the embedding side of all steps at once. The embeddings are the target's and have no gradient. */
    private void embedding() {
        try (Scope inner = Scope.open()) {
            Tensor projected = embeddingSide.to(forward.dtype);
            Gradients.addLinearWeight(gradients.embeddingSide(), projected, forward.embeddedNormed);
            norm(Gradients.linear(projected, weights.embeddingSide()), forward.embedded, weights.embeddingNorm(),
                    gradients.embeddingNorm());
        }
    }

    private Tensor norm(Tensor dy, Tensor x, Tensor weight, Tensor gradient) {
        Gradients.RmsNormGradient g = Gradients.rmsNorm(dy, x, weight, config.rmsNormEps());
        gradient.add_(g.weight());
        return g.input();
    }

    /** Returns a later step's gradient of step keys or values, [A, kv heads, d]. */
    private Tensor stepSlot(Tensor stepKeys, int i) {
        return stepKeys.narrow(1, i - 1, 1).to(forward.dtype).contiguous()
                .view(forward.queryRows.count(), config.keyValueHeads(), config.headDim());
    }
}
