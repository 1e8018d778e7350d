package dev.aerie.torch;

/** Cross-entropy against a teacher's distribution over a part of its vocabulary. */
public final class SoftCrossEntropy {

    private SoftCrossEntropy() {}

    /**
     * The teacher's logits for some tokens; p is their softmax over the draft vocabulary.
     *
     * @param argMax int64 [R], over the whole vocabulary
     * @param logSumExp float32 [R], over the whole vocabulary
     * @param logits [R, draft vocabulary], in the type of the states
     * @param draftLogSumExp float32 [R], over the draft vocabulary
     */
    public record TeacherLogits(Tensor argMax, Tensor logSumExp, Tensor logits, Tensor draftLogSumExp) {}

    /**
     * @param loss float32 [n]: −Σ p · log q
     * @param argMax int64 [n]: the draft's arg-max, as an index into the draft vocabulary
     * @param acceptance float32 [n]: Σ min(p, q), with p over the whole vocabulary
     * @param gradient [n, draft vocabulary]: of Σ weight · loss with respect to the draft's logits, in their type
     */
    public record Result(Tensor loss, Tensor argMax, Tensor acceptance, Tensor gradient) {}

    /**
     * Computes the teacher's logits in chunks of the vocabulary, so that [R, vocabulary] is never in memory.
     *
     * @param states [R, hidden], after the target's final norm
     * @param lmHead [vocabulary, hidden]
     * @param draftIds int64 [draft vocabulary], ascending, on the device of the states
     * @param draftIdsHost the same ids on the host
     * @param chunk vocabulary entries at a time
     * @param softCap logits are softCap · tanh(product / softCap); 0: the product of states and lm_head
     */
    public static TeacherLogits teacher(Tensor states, Tensor lmHead, Tensor draftIds, int[] draftIdsHost, int chunk,
            double softCap) {
        int vocabulary = Math.toIntExact(lmHead.size(0));
        long[] ends = new long[(vocabulary + chunk - 1) / chunk];
        int at = 0;
        for (int c = 0; c < ends.length; c++) {
            while (at < draftIdsHost.length && draftIdsHost[at] < (long) (c + 1) * chunk) {
                at++;
            }
            ends[c] = at;
        }
        Tensor[] t = Script.tensors("teacher", states, lmHead, draftIds, ends, chunk, softCap);
        return new TeacherLogits(t[0], t[1], t[2], t[3]);
    }

    /**
     * Computes losses, metrics and the gradient.
     *
     * @param logits [n, draft vocabulary]
     * @param rows int64 [n]: the teacher's row of each
     * @param weight float32 [n]
     */
    public static Result of(Tensor logits, TeacherLogits teacher, Tensor rows, Tensor weight) {
        Tensor[] r = Script.tensors("soft_cross_entropy", logits, teacher.logits(), rows, teacher.draftLogSumExp(),
                teacher.logSumExp(), weight);
        return new Result(r[0], r[1], r[2], r[3]);
    }
}
