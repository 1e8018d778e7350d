package dev.aerie.gang;

import dev.aerie.torch.Scope;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.BarrierTaskInfo;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.collection.Iterator;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;

/** The Spark task of one rank: partition r of the barrier stage is rank r. */
final class GangTask<M, R extends Serializable> extends AbstractFunction1<Iterator<Integer>, Iterator<R>>
        implements Serializable {

    private static final Logger LOG = LoggerFactory.getLogger(GangTask.class);

    private final GangSettings settings;
    private final ListenPorts ports;
    private final DriverReports.Address driver;
    private final ReportCodec<M> codec;
    private final RankBody<M, R> body;

    GangTask(GangSettings settings, ListenPorts ports, DriverReports.Address driver, ReportCodec<M> codec,
            RankBody<M, R> body) {
        this.settings = settings;
        this.ports = ports;
        this.driver = driver;
        this.codec = codec;
        this.body = body;
    }

    @Override
    public Iterator<R> apply(Iterator<Integer> unused) {
        BarrierTaskContext task = BarrierTaskContext.get();
        int rank = task.partitionId();
        try (RankReports reports = RankReports.connect(driver, rank, settings.rendezvous())) {
            try (Scope scope = Scope.open(); Collective collective = meet(task, rank)) {
                R result = body.run(new RankContext<>(collective, reports, codec));
                reports.done();
                return CollectionConverters.asScala(List.of(result).iterator());
            } catch (Throwable e) {
                throw reports.fail(e);
            }
        }
    }

    /** Connects the ranks; they exchange their addresses through Spark's barrier. */
    private Collective meet(BarrierTaskContext task, int rank) throws IOException {
        if (settings.ranks() == 1) {
            return new SoloCollective();
        }
        BarrierTaskInfo[] infos = task.getTaskInfos();
        String address = infos[rank].address();
        String host = address.contains(":") ? address.substring(0, address.lastIndexOf(':')) : address;
        try (RingLinks links = RingLinks.listen(rank, host, ports, driver.secret())) {
            String[] all = task.allGather(host + ":" + links.port());
            LOG.info("Rank {} of {} connects to {}", rank, all.length, all);
            return links.connect(List.of(all), settings.rendezvous(), settings.collective());
        }
    }
}
