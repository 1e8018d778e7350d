package dev.aerie.target;

import dev.aerie.errors.RefusalException;
import dev.aerie.safetensors.SafetensorsFile;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Measures, layer by layer, how far this engine's states of a target are from those that another implementation computed.
 *
 * <p>The golden file is a safetensors file: {@code input_ids} [T] and {@code cu_seqlens} [n+1], both int64; {@code
 * hidden_states.k} [T, hidden], where k = 0 is the embeddings, k = i the input of layer i, and the last one the state after the
 * final norm; {@code last_hidden_state.prenorm} (optional) and {@code logits} [T, vocabulary]. docs/targets.md shows the Python
 * that writes one.
 *
 * @param rows in the order of the layers
 */
public record TargetVerification(List<Row> rows) {

    /**
     * One compared tensor.
     *
     * @param error the largest difference, relative to the golden tensor's largest magnitude
     */
    public record Row(String name, double error) {}

    /** @throws RefusalException if the golden file lacks a tensor or belongs to another model */
    public static TargetVerification compare(Target target, Path golden) {
        List<Row> rows = new ArrayList<>();
        try (SafetensorsFile file = SafetensorsFile.open(golden); Scope scope = Scope.open()) {
            long[] ids = file.tensor("input_ids").toLongs();
            long[] cuSeqlens = file.tensor("cu_seqlens").toLongs();
            int layers = target.config().layers();
            Tensor[] states = target.everyLayer(ids, cuSeqlens);
            rows.add(row(file, "hidden_states.0", "embeddings", target.embed(ids)));
            for (int i = 0; i + 1 < layers; i++) {
                rows.add(row(file, "hidden_states." + (i + 1), "layer " + i, states[i]));
            }
            if (file.contains("last_hidden_state.prenorm")) {
                rows.add(row(file, "last_hidden_state.prenorm", "layer " + (layers - 1), states[layers]));
            }
            rows.add(row(file, "hidden_states." + layers, "final norm", states[layers + 1]));
            rows.add(row(file, "logits", "logits", target.logits(states[layers + 1])));
        }
        return new TargetVerification(List.copyOf(rows));
    }

    /** Returns the largest error of all rows; NaN if a row's error is NaN. */
    public double largestError() {
        return rows.stream().mapToDouble(Row::error).reduce(0, Math::max);
    }

    private static Row row(SafetensorsFile golden, String name, String title, Tensor ours) {
        try (Scope scope = Scope.open()) {
            double[] expected = golden.tensor(name).toDoubles();
            double[] actual = ours.toDoubles();
            if (expected.length != actual.length) {
                throw new RefusalException("Invalid golden file: " + golden + ": " + name + " has " + expected.length
                        + " elements (expected " + actual.length + " for this model)");
            }
            double largest = 0;
            double error = 0;
            for (int i = 0; i < expected.length; i++) {
                largest = Math.max(largest, Math.abs(expected[i]));
                error = Math.max(error, Math.abs(expected[i] - actual[i]));
            }
            return new Row(title, error == 0 ? 0 : error / largest);
        }
    }

    /** Returns a table with one line per row. */
    @Override
    public String toString() {
        StringBuilder out = new StringBuilder(String.format(Locale.ROOT, "%-14s %s%n", "state", "largest relative error"));
        for (Row row : rows) {
            out.append(String.format(Locale.ROOT, "%-14s %.2e%n", row.name(), row.error()));
        }
        return out.toString();
    }
}
