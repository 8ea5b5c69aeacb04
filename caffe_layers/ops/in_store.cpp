#include "ops/in_store.hpp"

#include "ops/grid_jobs.hpp"

namespace barista::ops {
namespace {

using device::Argument;
using device::Buffer;
using Launches = std::vector<device::Launch>;

multiply_store stores_of(const Launches& group) { return group.front().arguments[kMultiplyStores].as<multiply_store>(); }

void set(Launches& group, MultiplyArgument which, const Argument& value) {
  for (device::Launch& launch : group) launch.arguments[which] = value;
}

// Made on first use, of a number a channel.
Buffer& room_for(Buffer& buffer, device::DeviceManager& manager, int channels) {
  if (!buffer) buffer = manager.allocate(channels * sizeof(float));
  return buffer;
}

}  // namespace

bool rectify_in_store(device::DeviceManager& manager, const Buffer& dst) {
  return manager.amend(dst, [](Launches& group) {
    multiply_store stores = stores_of(group);
    stores.rectifies = 1;
    set(group, kMultiplyStores, Argument::value(stores));
    return true;
  });
}

bool AffineInStore::put(device::DeviceManager& manager, const ChannelShape& shape, const Buffer& dst,
                        const std::function<ChannelAffine()>& operands) {
  return manager.amend(dst, [&](Launches& group) {
    multiply_store stores = stores_of(group);
    if (stores.rectifies != 0 || stores.images != shape.outer || stores.channels != shape.channels) return false;
    without_ = group;
    const ChannelAffine affine = operands();
    const ChannelShape numbers = {1, shape.channels, 1};

    // (sum * scale + offset - centre) * factor + shift = sum * (scale * factor) + ((offset - centre) * factor + shift)
    if (affine.scale != nullptr) {
      if (stores.scales != 0) {
        const Buffer before = group.front().arguments[kMultiplyScale].buffer();
        ChannelAffine product = {&before};
        product.scale = affine.scale;
        channel_affine(manager, numbers, product, room_for(scale_, manager, shape.channels));
      }
      set(group, kMultiplyScale, Argument::in(stores.scales != 0 ? scale_ : *affine.scale));
      stores.scales = 1;
    }
    Buffer offset;
    if (stores.offsets != 0) offset = group.front().arguments[kMultiplyOffset].buffer();
    if (stores.offsets == 0 && !zeros_) {
      const std::vector<float> zeros(shape.channels);
      zeros_ = manager.allocate(zeros.size() * sizeof(float));
      manager.upload(zeros_, zeros.data(), zeros_.bytes());
    }
    ChannelAffine sum = {stores.offsets != 0 ? &offset : &zeros_};

    sum.centre = affine.centre;
    sum.scale = affine.scale;
    sum.shift = affine.shift;
    channel_affine(manager, numbers, sum, room_for(offset_, manager, shape.channels));
    set(group, kMultiplyOffset, Argument::in(offset_));
    stores.offsets = 1;
    set(group, kMultiplyStores, Argument::value(stores));
    return true;
  });
}

void AffineInStore::write_without(device::DeviceManager& manager, Buffer& kept) const {
  Launches group = without_;
  set(group, kMultiplyDst, Argument::out(kept));
  manager.launch(group);
}

}  // namespace barista::ops
