package dev.aerie.target.layer;

import dev.aerie.target.spec.AttentionSpec;
import dev.aerie.torch.Attention;
import dev.aerie.torch.GatedDeltaRule;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.util.IdentityHashMap;
import java.util.Map;

/** The state that all layers of one forward pass share: positions of the rows and what they attend to. Used by one thread. */
public final class ForwardPass {

    private final KeyValues keyValues;
    private final long[] positions;
    private final Scope scope;
    private final Map<RotaryTable, RotaryTable.Rotation> rotations = new IdentityHashMap<>();

    /** @param scope lives as long as the forward pass */
    public ForwardPass(KeyValues keyValues, long[] positions, Scope scope) {
        this.keyValues = keyValues;
        this.positions = positions;
        this.scope = scope;
    }

    Tensor attend(int layer, Tensor q, Tensor k, Tensor v, Attention.Options options) {
        return keyValues.attend(layer, q, k, v, options);
    }

    Tensor linearAttention(int layer, GatedDeltaRule.Inputs inputs, Tensor convolution, GatedDeltaRule.Heads heads) {
        return keyValues.linearAttention(layer, inputs, convolution, heads);
    }

    /** Returns the rotation at the rows' positions, looked up once per forward pass for layers with the same table. */
    RotaryTable.Rotation rotation(RotaryTable table) {
        return rotations.computeIfAbsent(table, t -> {
            RotaryTable.Rotation rotation = t.at(positions, keyValues.lengths(positions));
            scope.adopt(rotation.cos());
            scope.adopt(rotation.sin());
            return rotation;
        });
    }

    /** Returns float32 [T], the factor of each query row. */
    Tensor temperature(AttentionSpec.Temperature temperature) {
        float[] out = new float[positions.length];
        for (int t = 0; t < out.length; t++) {
            out[t] = (float) (Math.log1p(Math.floor((positions[t] + 1) / temperature.floorScale())) * temperature.scale() + 1);
        }
        return Tensor.of(out, out.length);
    }
}
