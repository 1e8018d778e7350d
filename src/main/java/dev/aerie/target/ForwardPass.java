package dev.aerie.target;

import dev.aerie.torch.Tensor;
import java.util.Map;

/** What all layers of one forward share: where the rows are and whom they see. */
record ForwardPass(KeyValues keyValues, Map<RotaryTable, RotaryTable.Rotation> rotations) {

    Tensor attend(int layer, Tensor q, Tensor k, Tensor v, double scale) {
        return keyValues.attend(layer, q, k, v, scale);
    }

    RotaryTable.Rotation rotation(RotaryTable table) {
        return rotations.get(table);
    }
}
