package dev.aerie.draft;

import dev.aerie.errors.RefusalException;
import dev.aerie.text.DraftVocabulary;
import dev.aerie.torch.Tensor;

/**
 * The target's tensors that the draft uses and never changes. Their owner keeps them.
 *
 * @param embedTokens [target vocabulary, hidden]
 * @param lmHead [target vocabulary, target hidden]
 * @param vocabulary the target's tokens that the draft can propose
 * @param logitSoftCap the target's logits are logitSoftCap · tanh(product with lmHead / logitSoftCap) (Gemma 2); 0: the product
 */
public record FrozenTarget(Tensor embedTokens, Tensor lmHead, DraftVocabulary vocabulary, double logitSoftCap) {

    /** Creates the tensors of a target without a logit cap. */
    public FrozenTarget(Tensor embedTokens, Tensor lmHead, DraftVocabulary vocabulary) {
        this(embedTokens, lmHead, vocabulary, 0);
    }

    /** @throws RefusalException if the draft's configuration does not fit */
    void require(DraftConfig config) {
        require("embed_tokens rows", embedTokens.size(0), config.vocabSize());
        require("embed_tokens width", embedTokens.size(1), config.hiddenSize());
        require("lm_head rows", lmHead.size(0), config.vocabSize());
        require("lm_head width", lmHead.size(1), config.targetHiddenSize());
        require("draft vocabulary", vocabulary.size(), config.draftVocabSize());
        require("target vocabulary", vocabulary.targetSize(), config.vocabSize());
    }

    private static void require(String what, long actual, long expected) {
        if (actual != expected) {
            throw new RefusalException(
                    "Invalid target for this draft: " + what + " " + actual + " (expected " + expected + ")");
        }
    }
}
