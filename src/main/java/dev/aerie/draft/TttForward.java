package dev.aerie.draft;

import dev.aerie.target.layer.RotaryTable;
import dev.aerie.target.layer.RotaryTable.Rotation;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Nn;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import dev.aerie.torch.TttAttention;
import dev.aerie.torch.TttAttention.Context;
import dev.aerie.torch.TttAttention.StepKeys;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The forward pass of training-time test for one micro-batch: the draft runs {@code steps} times over the query rows, each time
 * on its previous output, as in serving. Keeps the tensors that the backward pass needs.
 *
 * <p>At step i, row t reads the embedding of token t+1+i and hidden state g_i[t], where g_0 = fc(captured layers) and g_{i+1} is
 * the layer's output before the final norm. All tensors belong to the scope that was innermost at its creation.
 */
final class TttForward {

    /**
     * The tensors that a step keeps.
     *
     * @param hidden [A, hidden] g_i
     * @param normed the norm of {@code hidden}
     * @param queries [A, heads, d], rotated by t+i
     * @param afterAttention [A, hidden]
     * @param postNormed the norm of {@code afterAttention}
     * @param gateUp [A, 2 · intermediate], before the activation
     * @param gated after the activation
     * @param output [A, hidden] g_{i+1}
     */
    record Step(Tensor hidden, Tensor normed, Tensor queries, TttAttention.Result attended, Tensor afterAttention,
            Tensor postNormed, Tensor gateUp, Tensor gated, Tensor output) {}

    final DraftConfig config;
    final DraftTensors weights;
    final TrainingBatch batch;
    final LossRows rows;
    final Device device;
    final DType dtype;
    private final Scope scope;
    /** All rows, which are keys at step 0. */
    final PackedRows all;
    /** The A query rows. */
    final PackedRows queryRows;

    /** [T, hidden] embeddings of the tokens, and their norm. */
    final Tensor embedded;
    final Tensor embeddedNormed;
    /** [T, q + k + v]: the embedding side of the projections, shared by all steps. */
    private final Tensor embeddingSide;
    /** Of all rows: [T, 3 · target hidden], g_0 and its norm. */
    final Tensor aux;
    final Tensor hidden0;
    final Tensor normed0;
    final Context context;
    private final StepKeys stepKeys;
    final List<Step> steps = new ArrayList<>();

    /** @param scope the innermost one, which owns the tensors that are kept */
    TttForward(DraftConfig config, DraftTensors weights, Tensor embedTokens, RotaryTable rotary, TrainingBatch batch,
            LossRows rows, Scope scope) {
        this.config = config;
        this.weights = weights;
        this.batch = batch;
        this.rows = rows;
        this.scope = scope;
        this.dtype = weights.fc().dtype();
        this.device = weights.fc().device();
        this.all = new PackedRows(batch, IntStream.range(0, batch.tokens()).toArray(), rotary, device);
        this.queryRows = new PackedRows(batch, rows.queryRows(), rotary, device);
        double eps = config.rmsNormEps();

        embedded = Nn.embedding(index(Arrays.stream(batch.inputIds()).asLongStream().toArray()), embedTokens).to(dtype);
        embeddedNormed = Nn.rmsNorm(embedded, weights.embeddingNorm(), eps);
        embeddingSide = Nn.linear(embeddedNormed, weights.embeddingSide());
        aux = batch.aux().to(device).to(dtype);
        hidden0 = Nn.linear(aux, weights.fc());
        normed0 = Nn.rmsNorm(hidden0, weights.hiddenNorm(), eps);
        context = context();
        long slots = (long) queryRows.count() * config.keyValueHeads();
        stepKeys = new StepKeys(Tensor.zeros(dtype, device, slots, rows.steps() - 1, config.headDim()),
                Tensor.zeros(dtype, device, slots, rows.steps() - 1, config.headDim()));
    }

    private Context context() {
        try (Scope inner = Scope.open()) {
            int q = config.queryWidth();
            int kv = config.keyValueWidth();
            Tensor keyValues = Nn.linearAdd(normed0, weights.hiddenSide().narrow(0, q, 2L * kv),
                    embeddingSide.narrow(1, q, 2L * kv).rows(all.tokensRead(0)));
            Rotation rotation = all.rotation(0);
            Tensor keys = Nn.rotaryEmbedding(heads(keyValues.narrow(1, 0, kv)), rotation.cos(), rotation.sin());
            Tensor values = heads(keyValues.narrow(1, kv, kv)).contiguous();
            return new Context(scope.adopt(TttAttention.expand(keys, config.attentionHeads())),
                    scope.adopt(TttAttention.expand(values, config.attentionHeads())), rows.blocks());
        }
    }

    /** Runs all steps. */
    TttForward run() {
        Tensor index = queryRows.index();
        Tensor hidden = hidden0.rows(index);
        for (int i = 0; i < rows.steps(); i++) {
            Tensor normed = i == 0 ? normed0.rows(index) : Nn.rmsNorm(hidden, weights.hiddenNorm(), config.rmsNormEps());
            steps.add(step(i, hidden, normed));
            hidden = steps.get(i).output();
        }
        return this;
    }

    private Step step(int i, Tensor hidden, Tensor normed) {
        try (Scope inner = Scope.open()) {
            Tensor queries = i == 0 ? firstQueries(normed) : project(i, normed);
            TttAttention.Result attended = TttAttention.forward(queries, context, stepKeys(i), scale());
            Tensor afterAttention = Nn.linearAdd(flat(attended.output()), weights.output(), hidden);
            Tensor postNormed = Nn.rmsNorm(afterAttention, weights.postNorm(), config.rmsNormEps());
            Tensor gateUp = Nn.linear(postNormed, weights.gateUp());
            Tensor gated = Nn.siluProduct(gateUp);
            Tensor output = Nn.linearAdd(gated, weights.down(), afterAttention);
            List.of(queries, attended.output(), attended.logSumExp(), afterAttention, postNormed, gateUp, gated, output)
                    .forEach(scope::adopt);
            return new Step(hidden, normed, queries, attended, afterAttention, postNormed, gateUp, gated, output);
        }
    }

    private Tensor firstQueries(Tensor normed) {
        int q = config.queryWidth();
        Tensor projected = Nn.linearAdd(normed, weights.hiddenSide().narrow(0, 0, q),
                embeddingSide.narrow(1, 0, q).rows(queryRows.tokensRead(0)));
        Rotation rotation = queryRows.rotation(0);
        return Nn.rotaryEmbedding(heads(projected), rotation.cos(), rotation.sin());
    }

    /** Computes the queries of a later step; its keys and values become step keys and values of the rows. */
    private Tensor project(int i, Tensor normed) {
        int q = config.queryWidth();
        int kv = config.keyValueWidth();
        Tensor projected = Nn.linearAdd(normed, weights.hiddenSide(), embeddingSide.rows(queryRows.tokensRead(i)));
        Rotation rotation = queryRows.rotation(i);
        Tensor rotated = Nn.rotaryEmbedding(heads(projected.narrow(1, 0, q + kv)), rotation.cos(), rotation.sin());
        putStep(stepKeys.keys(), i, rotated.narrow(1, config.attentionHeads(), config.keyValueHeads()));
        putStep(stepKeys.values(), i, projected.narrow(1, q + kv, kv));
        return rotated.narrow(1, 0, config.attentionHeads()).contiguous();
    }

    /** Returns the outputs of the loss rows of all steps, ordered by step, [entries, hidden]. */
    Tensor lossRows() {
        List<Tensor> parts = new ArrayList<>();
        for (int i = 0; i < rows.steps(); i++) {
            parts.add(steps.get(i).output().rows(lossRowsOf(i)));
        }
        return Tensor.cat(0, parts);
    }

    /** Returns the indices of a step's loss rows among the query rows, int64. */
    Tensor lossRowsOf(int i) {
        return index(Arrays.copyOfRange(rows.position(), rows.bounds()[i], rows.bounds()[i + 1]));
    }

    /** Returns the step keys and values of the steps 1 … i. */
    StepKeys stepKeys(int i) {
        return new StepKeys(stepKeys.keys().narrow(1, 0, i), stepKeys.values().narrow(1, 0, i));
    }

    private void putStep(Tensor stepKeys, int i, Tensor x) {
        stepKeys.narrow(1, i - 1, 1).copy_(x.contiguous().view(stepKeys.size(0), 1, config.headDim()));
    }

    double scale() {
        return 1 / Math.sqrt(config.headDim());
    }

    /** Views [n, heads · d] as [n, heads, d]. */
    Tensor heads(Tensor x) {
        return x.view(x.size(0), x.size(1) / config.headDim(), config.headDim());
    }

    /** Views [n, heads, d] as [n, heads · d]. */
    static Tensor flat(Tensor x) {
        return x.view(x.size(0), x.size(1) * x.size(2));
    }

    Tensor index(long[] values) {
        return Tensor.of(values, values.length).to(device);
    }
}
