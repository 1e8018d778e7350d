package dev.aerie.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.draft.DraftConfig;
import dev.aerie.draft.FrozenTarget;
import dev.aerie.draft.LossMode;
import dev.aerie.errors.RefusalException;
import dev.aerie.files.Sha256;
import dev.aerie.host.HostModel;
import dev.aerie.store.CommittedShard;
import dev.aerie.store.CorruptChunkException;
import dev.aerie.store.Fingerprints;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.Part;
import dev.aerie.store.PlannedConversation;
import dev.aerie.store.StateSelection;
import dev.aerie.store.StoreSettings;
import dev.aerie.store.StoreShards;
import dev.aerie.store.TeacherRows;
import dev.aerie.target.TargetEnds;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.text.DraftVocabulary;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Locale;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;

/** Training inputs from a hidden-state store. */
public final class StoreInputs implements TrainingInputs {

    private final String store;
    private final int generation;
    private final List<Integer> layers;
    private final HostModel target;
    private final String draftJson;
    private final int targetVocabulary;
    private final int[] draftIds;
    private final ShardedPlan plan;
    private final TreeMap<String, String> fingerprints;

    /**
     * Creates inputs with all conversations of the part {@code train}.
     *
     * @param store opened in the driver
     * @param layers captured layers that the draft reads
     */
    public StoreInputs(
            HiddenStateStore store, List<Integer> layers, HostModel target, DraftConfig draft, DraftVocabulary vocabulary) {
        this(store, layers, target, draft, vocabulary, null);
    }

    /** @param ids of the conversations to train on; null for all of the part {@code train} */
    public StoreInputs(HiddenStateStore store, List<Integer> layers, HostModel target, DraftConfig draft,
            DraftVocabulary vocabulary,
            Set<String> ids) {
        this.store = store.uri();
        this.generation = store.generation();
        this.layers = List.copyOf(layers);
        this.target = target;
        this.draftJson = draft.toJson().toString();
        this.targetVocabulary = vocabulary.targetSize();
        this.draftIds = vocabulary.ids().clone();
        BitSet subset = ids == null ? null : places(store, ids);
        this.plan = ShardedPlan.of(store.shards().stream().map(ShardedPlan.PlannedShard::of).toList(),
                n -> subset == null || subset.get(n));
        this.fingerprints = fingerprints(store.settings(), subset);
    }

    private TreeMap<String, String> fingerprints(StoreSettings settings, BitSet subset) {
        Fingerprints f = settings.fingerprints();
        TreeMap<String, String> all = new TreeMap<>(Map.of(
                "store.target", f.target(),
                "store.tokenizer", f.tokenizer(),
                "store.template", f.template(),
                "store.inputs", f.inputs(),
                "store.settings", f.settings(),
                "store.generation", String.valueOf(generation),
                "store.codec", settings.states().codec().name(),
                "store.teacher_rows", settings.states().teacherRows().text(),
                "train.layers", layers.toString()));
        all.put("draft.vocabulary", Sha256.of(bytes(draftIds)));
        if (subset != null) {
            all.put("train.subset", subset.cardinality() + " conversations, " + Sha256.of(subset.toByteArray()));
        }
        draft().toJson().properties().forEach(e -> all.put("draft." + e.getKey(), e.getValue().toString()));
        return all;
    }

    /** Returns the conversations as bits, because ranks identify them by index and 300,000 ids are megabytes. */
    private static BitSet places(HiddenStateStore store, Set<String> ids) {
        BitSet places = new BitSet();
        int place = 0;
        for (CommittedShard shard : store.shards()) {
            for (PlannedConversation planned : shard.planned(Part.TRAIN)) {
                places.set(place++, ids.contains(planned.id()));
            }
        }
        return places;
    }

    private static byte[] bytes(int[] ids) {
        ByteBuffer bytes = ByteBuffer.allocate(ids.length * Integer.BYTES);
        bytes.asIntBuffer().put(ids);
        return bytes.array();
    }

    private DraftConfig draft() {
        try {
            return DraftConfig.read(ConfigJson.of("the draft's configuration", new ObjectMapper().readTree(draftJson)));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void check(LossMode mode, CorruptChunks corrupt, Configuration conf) throws IOException {
        HiddenStateStore opened = HiddenStateStore.open(store, conf, generation);
        StoreSettings settings = opened.settings();
        settings.requireTeacherRows(mode == LossMode.STRICT ? TeacherRows.STRICT : TeacherRows.ALL, store);
        settings.require("states.hidden_size", draft().targetHiddenSize(), store);
        List<Integer> captured = settings.states().captureLayers();
        if (layers.size() != DraftConfig.CAPTURED || !captured.containsAll(layers)) {
            throw new RefusalException("Invalid layers " + layers + ": store " + store + " holds " + captured
                    + " (expected " + DraftConfig.CAPTURED + " of them)");
        }
        requireLossRows(StoreShards.of(store, conf, generation), mode, corrupt);
    }

    /** Refuses a store whose loss would always be 0. Usually the first conversation has a loss row, and no other is read. */
    private void requireLossRows(StoreShards shards, LossMode mode, CorruptChunks corrupt) {
        int used = plan.lengths().length;
        CorruptChunkException damage = null;
        try (StoreSource source = new StoreSource(shards, plan, StateSelection.NONE)) {
            for (int n = 0; n < used; n++) {
                try {
                    if (source.read(Part.TRAIN, n).filter(c -> teaches(mode, c.sequence().lossMask())).isPresent()) {
                        return;
                    }
                } catch (CorruptChunkException e) {
                    if (corrupt == CorruptChunks.STOP) {
                        throw e;
                    }
                    damage = e;
                }
            }
        }
        if (damage != null) {
            throw damage;
        }
        throw new RefusalException("Invalid store " + store + ": none of the " + used + " conversations to train on carries loss"
                + " (expected one with " + (mode == LossMode.STRICT ? "two supervised tokens in a row" : "a supervised token")
                + ", because train.mode is " + mode.name().toLowerCase(Locale.ROOT) + ")");
    }

    private static boolean teaches(LossMode mode, boolean[] lossMask) {
        return IntStream.range(0, lossMask.length).anyMatch(row -> mode.teaches(lossMask, 0, lossMask.length, row));
    }

    @Override
    public Map<String, String> fingerprints() {
        return fingerprints;
    }

    @Override
    public Opened open(Device device, DType compute, Configuration conf) throws IOException {
        DraftConfig draft = draft();
        DraftVocabulary vocabulary = new DraftVocabulary(targetVocabulary, draftIds);
        HiddenStateSource source = new StoreSource(StoreShards.of(store, conf, generation), plan, new StateSelection(layers, true));
        try {
            TargetEnds ends = TargetEnds.load(target.folder(conf), compute, device);
            FrozenTarget frozen = new FrozenTarget(ends.embedTokens(), ends.lmHead(), vocabulary, ends.logitSoftCap());
            return new OpenedStore(draft, frozen, source, ends);
        } catch (IOException | RuntimeException | Error e) {
            source.close();
            throw e;
        }
    }

    private record OpenedStore(DraftConfig draft, FrozenTarget target, HiddenStateSource source, TargetEnds ends)
            implements Opened {

        @Override
        public void close() {
            source.close();
            ends.close();
        }
    }
}
