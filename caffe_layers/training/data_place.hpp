// The place in the data: brings the layers of a net that was just constructed to where they are after a number of batches.
//
// Crops, mirrors and shuffles come from generators that each data layer seeds when it is constructed and draws from only when it
// loads; so a net that is constructed from the same seed and brought to the same place goes on with the very same batches.
#ifndef BARISTA_TRAINING_DATA_PLACE_HPP_
#define BARISTA_TRAINING_DATA_PLACE_HPP_

#include <cstdint>

#include "caffe/net.hpp"

namespace barista::training {

// Moves every Data layer (LMDB, LevelDB) of `net` on by `batches`, without decoding what it skips. For a net that has not run.
void skip_database_batches(caffe::Net<float>& net, std::uint64_t batches);

// Lets all other layers that make data load `batches` and throws them away. The calls for several nets must come in the order of
// the original run: HDF5Data layers share one generator. False where the net has no such layer, so that calling again is futile.
bool replay_batches(caffe::Net<float>& net, std::uint64_t batches);

}  // namespace barista::training

#endif  // BARISTA_TRAINING_DATA_PLACE_HPP_
